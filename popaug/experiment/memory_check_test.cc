#include "popaug/experiment/memory_check.h"

#include <gtest/gtest.h>

namespace popaug {
namespace {

class AvailableMemory : public ::testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    fs::create_directories((folder_.path() / path).parent_path());
    write_file_atomic(folder_.path() / path, text);
  }
  uint64_t now() const { return available_memory(folder_.path()); }

  TemporaryFolder folder_;
};

TEST_F(AvailableMemory, IsTheLeastOfMachineAndControlGroups) {
  write("proc/meminfo", "MemTotal:       4000 kB\nMemFree:     1000 kB\nMemAvailable:   3000 kB\n");
  EXPECT_EQ(now(), 3000u * 1024);
  write("sys/fs/cgroup/memory.max", "max\n");
  EXPECT_EQ(now(), 3000u * 1024);
  write("sys/fs/cgroup/memory.max", "2000000\n");
  write("sys/fs/cgroup/memory.stat", "file 900000\nanon 500000\n");
  EXPECT_EQ(now(), 1500000u);
  write("proc/self/cgroup", "0::/user/one\n");
  EXPECT_EQ(now(), 1500000u);
  write("sys/fs/cgroup/user/one/memory.max", "1000\n");
  EXPECT_EQ(now(), 1000u);
  write("sys/fs/cgroup/user/one/memory.stat", "anon 5000\n");
  EXPECT_EQ(now(), 0u);
}

TEST_F(AvailableMemory, WithoutAnyWordThereIsNoLimit) {
  EXPECT_GT(now(), uint64_t{1} << 60);
  EXPECT_GT(available_memory(), uint64_t{1} << 20);  // of this machine
}

}  // namespace
}  // namespace popaug
