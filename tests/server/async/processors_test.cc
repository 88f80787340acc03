#include "server/async/processors.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "tests/testing/temporary_folder.h"

namespace normd::server {
namespace {

class CpuQuotaTest : public ::testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file(folder_ / path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  double Quota(const std::string& membership) { return CpuQuota(membership, folder_ / "."); }

  const testing::TemporaryFolder folder_;
};

TEST_F(CpuQuotaTest, Version2) {
  Write("cpu.max", "max 100000\n");
  EXPECT_TRUE(std::isinf(Quota("0::/\n")));
  Write("pod/cpu.max", "250000 100000\n");
  EXPECT_EQ(Quota("0::/pod\n"), 2.5);
  Write("pod/container/cpu.max", "max 100000\n");
  EXPECT_EQ(Quota("0::/pod/container\n"), 2.5) << "a group around it";
  Write("pod/container/cpu.max", "50000 100000\n");
  EXPECT_EQ(Quota("0::/pod/container\n"), 0.5);
}

TEST_F(CpuQuotaTest, Version1) {
  Write("cpu/box/cpu.cfs_quota_us", "-1\n");
  Write("cpu/box/cpu.cfs_period_us", "100000\n");
  const std::string membership = "4:memory:/other\n3:cpuacct,cpu:/box\n0::/\n";
  EXPECT_TRUE(std::isinf(Quota(membership)));
  Write("cpu/box/cpu.cfs_quota_us", "150000\n");
  EXPECT_EQ(Quota(membership), 1.5);
}

TEST_F(CpuQuotaTest, AContainersOwnGroupIsAtTheRoot) {
  Write("cpu/cpu.cfs_quota_us", "200000\n");
  Write("cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(Quota("1:cpu:/docker/0123abcd\n"), 2);
}

TEST_F(CpuQuotaTest, WhatIsNoQuotaIsNone) {
  Write("cpu.max", "what 100000\n");
  EXPECT_TRUE(std::isinf(Quota("0::/\n")));
  EXPECT_TRUE(std::isinf(Quota("")));
  EXPECT_TRUE(std::isinf(Quota("nonsense")));
}

TEST(AvailableProcessorsTest, AreThoseOfTheAffinity) {
  cpu_set_t all;
  ASSERT_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
  int first = 0;
  while (!CPU_ISSET(first, &all)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(AvailableProcessors(), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof(all), &all), 0);
  EXPECT_GE(AvailableProcessors(), 1);
  EXPECT_LE(AvailableProcessors(), CPU_COUNT(&all));
}

}  // namespace
}  // namespace normd::server
