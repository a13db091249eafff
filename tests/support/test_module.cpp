// A module with a counter: opened twice, it counts on.
extern "C" __attribute__((visibility("default"))) int egret_test_count() {
  static int count = 0;
  return ++count;
}
