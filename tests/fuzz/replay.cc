// Usage: X_fuzz CORPUS MUTATIONS
// Stands in for libFuzzer where the compiler has none: runs a target on the
// files of its corpus and on seeded mutations of each, the same on every
// machine. A crash is after the line that names the file.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/target.h"

namespace dfsweep::fuzz {
namespace {

namespace fs = std::filesystem;

struct Seed {
  std::string name;
  std::string bytes;
};

std::vector<Seed> ReadCorpus(const fs::path& folder) {
  std::vector<Seed> seeds;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::ifstream stream(entry.path(), std::ios::binary);
    seeds.push_back({entry.path().filename().string(),
                     {std::istreambuf_iterator<char>(stream), {}}});
  }
  std::sort(seeds.begin(), seeds.end(),
            [](const Seed& a, const Seed& b) { return a.name < b.name; });
  return seeds;
}

class Mutator {
 public:
  explicit Mutator(const std::vector<Seed>& seeds) : seeds_(seeds) {}

  std::string Mutated(std::string bytes) {
    for (size_t changes = 1 + Below(4); changes > 0; --changes) Change(bytes);
    return bytes;
  }

 private:
  size_t Below(size_t bound) { return random_() % bound; }

  void Change(std::string& bytes) {
    const size_t at = Below(bytes.size() + 1);
    switch (Below(6)) {
      case 0:
        if (at < bytes.size()) bytes[at] ^= static_cast<char>(1 << Below(8));
        return;
      case 1:
        if (at < bytes.size()) bytes[at] = static_cast<char>(Below(256));
        return;
      case 2:
        bytes.erase(at, 1 + Below(16));
        return;
      case 3:
        bytes.insert(at, 1 + Below(8), static_cast<char>(Below(256)));
        return;
      case 4:
        bytes.resize(at);
        return;
      default:
        bytes.insert(at, Piece());
    }
  }

  // Of any seed: most of what is in one means something in another.
  std::string Piece() {
    const std::string& from = seeds_[Below(seeds_.size())].bytes;
    return from.substr(Below(from.size() + 1), 1 + Below(32));
  }

  const std::vector<Seed>& seeds_;
  std::mt19937_64 random_{20261127};
};

void Run(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()),
                         bytes.size());
}

void Replay(const fs::path& corpus, int mutations) {
  const std::vector<Seed> seeds = ReadCorpus(corpus);
  Require(!seeds.empty(), "the corpus has files", corpus.string());
  Mutator mutator(seeds);
  for (const Seed& seed : seeds) {
    std::cout << seed.name << std::endl;
    Run(seed.bytes);
    for (int i = 0; i < mutations; ++i) Run(mutator.Mutated(seed.bytes));
  }
}

}  // namespace
}  // namespace dfsweep::fuzz

int main(int argc, char** argv) {
  dfsweep::fuzz::Require(argc == 3, "the usage is: X_fuzz CORPUS MUTATIONS");
  dfsweep::fuzz::Replay(argv[1], std::atoi(argv[2]));
}
