// dfsweep-trainer: trains one trial after another. --help has the usage.
#include <stdlib.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "base/build_id.h"
#include "base/nearest.h"
#include "base/version.h"
#include "model/config/error.h"
#include "model/protocol/protocol.h"
#include "model/serve.h"
#include "model/train/failure.h"

namespace dfsweep::model {
namespace {

constexpr char kHelp[] =
    R"(Usage:
  dfsweep-trainer --trial FILE [--device cpu|cuda|cuda:N] [--threads N]
                  [--checkpoints FOLDER]
  dfsweep-trainer --serve
  dfsweep-trainer --probe [--device NAME] [--threads N]
  dfsweep-trainer --environment | --version | --help

Trains a trial and writes its events as lines of JSON, as described in
model/protocol/PROTOCOL.md. Workers use --serve; --trial is for people.

  --trial FILE    the JSON object of one trial; relative paths in it start at
                  its folder
  --device NAME   where to train (default: cuda if there is one, else cpu)
  --threads N     CPU threads (default: one a core)
  --checkpoints FOLDER
                  save the training there every five minutes and when it is
                  interrupted; go on from what is there
  --serve         take commands on standard input until it ends
  --probe         train a small fixed network for a second and print what
                  became of its weights, and how fast, as JSON
  --environment   print versions and device as JSON
)";

const std::vector<std::string> kFlags = {"--serve", "--probe", "--environment",
                                         "--version", "--help"};
const std::vector<std::string> kOptions = {"--trial", "--device", "--threads",
                                           "--checkpoints"};

// Options that take a value, "" if not given; flags.
struct CommandLine {
  std::string trial;
  FileOptions options;
  // "serve", "probe", "environment", "version", "help", or ""
  std::string flag;
};

constexpr char kSeeHelp[] = "see dfsweep-trainer --help";

config::Error WrongUsage(const std::string& what,
                         const std::string& remedy = kSeeHelp) {
  return config::Error(what, "", remedy);
}

int ParseThreads(const std::string& text) {
  int threads = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), threads);
  if (error != std::errc() || end != text.data() + text.size() || threads < 1 ||
      threads > 1024) {
    throw WrongUsage("--threads takes a number from 1 to 1024");
  }
  return threads;
}

std::string Folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    throw WrongUsage(
        "--checkpoints: '" + path + "' can't be made: " + error.message(),
        "check its permissions, or name another folder");
  }
  return path;
}

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

config::Error UnknownName(const std::string& name) {
  std::vector<std::string> known = kOptions;
  known.insert(known.end(), kFlags.begin(), kFlags.end());
  return WrongUsage("there is no option '" + name + "'",
                    DidYouMean(name, known, kSeeHelp));
}

CommandLine Parse(const std::vector<std::string>& arguments) {
  CommandLine line;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& name = arguments[i];
    if (Contains(kFlags, name)) {
      line.flag = name.substr(2);
      continue;
    }
    if (!Contains(kOptions, name)) throw UnknownName(name);
    if (i + 1 == arguments.size()) throw WrongUsage(name + " needs a value");
    const std::string& value = arguments[++i];
    if (name == "--trial") line.trial = value;
    if (name == "--device") line.options.device = value;
    if (name == "--threads") line.options.threads = ParseThreads(value);
    if (name == "--checkpoints") line.options.checkpoints = Folder(value);
  }
  if (line.flag.empty() == line.trial.empty()) {
    throw WrongUsage(line.trial.empty() ? "there is nothing to do"
                                        : "--trial excludes --" + line.flag);
  }
  return line;
}

int Run(const CommandLine& line) {
  if (line.flag == "help") {
    std::cout << kHelp;
  } else if (line.flag == "version") {
    std::cout << "dfsweep-trainer " << kVersion << " (" << BuildId() << ")\n";
  } else if (line.flag == "probe") {
    return PrintProbe(line.options);
  } else if (line.flag == "environment") {
    return PrintEnvironment();
  } else if (line.flag == "serve") {
    return Serve();
  } else {
    return RunFile(line.trial, line.options);
  }
  return protocol::kExitDone;
}

void Explain(const config::Error& error) {
  std::cerr << "error: " << error.what_happened() << "\n  at "
            << (error.where().empty() ? "dfsweep-trainer" : error.where())
            << "\n  fix: " << error.remedy() << "\n";
}

int Main(const std::vector<std::string>& arguments) {
  // cuBLAS gives the same bits each time only with a workspace of its own; it
  // reads this when the first CUDA context is made.
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  try {
    return Run(Parse(arguments));
  } catch (const Failure& failure) {
    Explain(failure);
    return protocol::kExitEnvironment;
  } catch (const config::Error& error) {
    Explain(error);
    return protocol::kExitUsage;
  } catch (const std::exception& error) {
    Explain(config::Error(error.what(), "dfsweep-trainer, before a trial began",
                          "run `dfsweep doctor`"));
    return protocol::kExitEnvironment;
  }
}

}  // namespace
}  // namespace dfsweep::model

int main(int argc, char** argv) {
  return dfsweep::model::Main({argv + 1, argv + argc});
}
