#include <algorithm>
#include <csignal>
#include <cstdio>
#include <new>

#include <fmt/format.h>

#include "frontends/cli/cli.h"
#include "frontends/version.h"

namespace {

// Commands of the contract that this version does not have.
constexpr const char* kLater[] = {"discover", "derive", "calibrate", "minify", "experiment", "report", "cache"};

// Says so where the program has no such command.
bool unknown_command(const CLI::App& app, const std::string& name) {
  if (name.empty()) return false;
  std::string known;
  for (const CLI::App* c : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (c->get_name() == name) return false;
    known += (known.empty() ? "" : ", ") + c->get_name();
  }
  const bool later = std::find(std::begin(kLater), std::end(kLater), name) != std::end(kLater);
  const std::string what = later ? fmt::format("the command `{}` is not part of this version", name) : fmt::format("there is no command `{}`", name);
  std::fprintf(stderr, "egret: error: %s\n  hint: the commands are %s\n", what.c_str(), known.c_str());
  return true;
}

// The first asks for the best answer so far, the second ends the process.
extern "C" void on_interrupt(int signal) {
  egret::process_stop_token().request_stop();
  std::signal(signal, SIG_DFL);
}

// Commands that have an answer before they are done; the others end at once (files are written whole or not at all).
bool has_answer_so_far(const std::string& command) {
  constexpr const char* kCommands[] = {"optimize", "saturate", "extract", "explain", "verify"};
  return std::find(std::begin(kCommands), std::end(kCommands), command) != std::end(kCommands);
}

// Whether all that was printed arrived.
bool printed() {
  const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (!written) std::fprintf(stderr, "egret: error: cannot write to standard output\n  hint: is the disk full?\n");
  return written;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace egret::cli;
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
  add_explain(app, context);

  int first = 1;  // the command: the first word that is no option
  while (first < argc && argv[first][0] == '-') ++first;
  const std::string command = first < argc ? argv[first] : "";
  if (unknown_command(app, command)) return kWrong;
  context.command = command;
  if (has_answer_so_far(command)) {
    std::signal(SIGINT, on_interrupt);
    std::signal(SIGTERM, on_interrupt);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    std::fprintf(stderr, "egret: error: %s\n  hint: `egret %s--help` lists the options\n", e.what(),
                 command.empty() ? "" : (command + " ").c_str());
    return kWrong;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "egret: error: there is not enough memory\n  hint: --memory-limit bounds what egret takes\n");
    return kLimit;
  } catch (const std::exception& e) {  // fmt::print throws, too, where it cannot write
    if (!printed()) return kWrong;
    context.fail(egret::internal_error(e.what()));
    return context.exit_status;
  }
  if (!printed()) return context.exit_status == kDone ? kWrong : context.exit_status;
  return context.exit_status;
}
