//! Takes the languages, analyses and rules of egg's own tests (what stands before the first test) into OUT_DIR, so that
//! no copy of them is kept here. EGG_TESTS names the `tests` folder of the crate; ../run.py finds it.

use std::{env, fs, path::Path};

fn main() {
    println!("cargo:rerun-if-env-changed=EGG_TESTS");
    println!("cargo:rerun-if-changed=build.rs");
    let tests = env::var("EGG_TESTS").expect("set EGG_TESTS");
    let out = env::var("OUT_DIR").unwrap();
    for name in ["math.rs", "lambda.rs"] {
        let text = fs::read_to_string(Path::new(&tests).join(name)).expect(name);
        fs::write(Path::new(&out).join(name), text.split("\negg::test_fn!").next().unwrap()).unwrap();
    }
}
