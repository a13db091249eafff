#include <csignal>
#include <cstdio>

#include <fmt/format.h>

#include "frontends/cli/cli.h"
#include "frontends/version.h"

namespace {

extern "C" void on_interrupt(int) { egret::process_stop_token().request_stop(); }

}  // namespace

int main(int argc, char** argv) {
  using namespace egret::cli;
  std::signal(SIGINT, on_interrupt);
  CLI::App app{"egret: a superoptimizer for tensor programs"};
  app.name("egret");
  app.set_version_flag("--version", egret::version_text());
  app.require_subcommand(1);
  app.fallthrough();
  Context context;
  app.add_flag("--json", context.json, "print one JSON object on stdout and nothing else there");

  add_optimize(app, context);
  add_run(app, context);
  add_verify(app, context);
  add_check(app, context);
  add_rules(app, context);
  add_saturate(app, context);
  add_inspect(app, context);
  add_extract(app, context);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    std::fprintf(stderr, "egret: error: %s\n  hint: `egret %s--help` lists the options\n", e.what(),
                 argc > 1 && argv[1][0] != '-' ? fmt::format("{} ", argv[1]).c_str() : "");
    return kWrong;
  }
  return context.exit_status;
}
