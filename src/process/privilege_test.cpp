// SPDX-License-Identifier: MIT
// A program whose file has rights of its own (set-user-id): whoever starts it by hand, with a socket of his own where
// brigade's would be, gets nothing that he did not have.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "os/surroundings.hpp"
#include "os/unix_socket.hpp"
#include "process/child_main.hpp"
#include "process/start_block.hpp"
#include "process/start_request.hpp"

namespace brigade::internal {
namespace {

constexpr uid_t kStranger = 65534;

int tell_rights(Decoder&, ChildContext& context) {
  const std::string text = std::to_string(::getuid()) + " " + std::to_string(::geteuid()) + " ";
  return ::write(context.handles.at(0).get(), text.data(), text.size()) > 0 ? 0 : 1;
}

TEST(SetUserIdProgram, GivesNobodyTheRightsOfItsFile) {
  std::string folder = (std::filesystem::temp_directory_path() / "brigade-rights-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  struct statvfs place {};
  ::statvfs(folder.c_str(), &place);
  if (::geteuid() != 0 || (place.f_flag & (ST_NOSUID | ST_NOEXEC)) != 0) {
    ::rmdir(folder.c_str());
    GTEST_SKIP() << "needs root, and a file system where set-user-id counts";
  }
  const std::string program = folder + "/program";
  std::filesystem::copy_file("/proc/self/exe", program);
  ASSERT_EQ(::chmod(folder.c_str(), 0755), 0);
  ASSERT_EQ(::chmod(program.c_str(), 04755), 0);

  auto [ours, theirs] = os::make_socket_pair();
  int lifeline[2];
  int told[2];
  ASSERT_EQ(::pipe2(lifeline, O_CLOEXEC), 0);
  ASSERT_EQ(::pipe2(told, O_CLOEXEC), 0);
  const std::string option = std::string(kChildArgument) + "3,4";
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (::setgroups(0, nullptr) != 0 || ::setresgid(kStranger, kStranger, kStranger) != 0 ||
        ::setresuid(kStranger, kStranger, kStranger) != 0) {
      ::_exit(90);
    }
    const int ends[] = {::fcntl(lifeline[0], F_DUPFD, 100), ::fcntl(theirs.get(), F_DUPFD, 100)};
    ::dup2(ends[0], 3);
    ::dup2(ends[1], 4);
    ::execl(program.c_str(), program.c_str(), option.c_str(), nullptr);
    ::_exit(91);
  }
  theirs.close();

  StartOrder order;
  order.name = "stranger's";
  order.entry = function_ref(reinterpret_cast<const void*>(&tell_rights));
  Encoder encoder;
  encode_start_block(encoder, order, order.entry.image + 1);
  const os::Fd directory = os::open_working_directory();
  const std::array fds{directory.get(), 1, 2, told[1]};
  send_start_request(ours, encoder.to_vector(), BlockPlace::where_it_fits, fds);
  ::close(told[1]);
  std::string text;
  char buffer[64];
  for (ssize_t n = 0; (n = ::read(told[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  EXPECT_EQ(text, "65534 65534 ");
  ::waitpid(pid, nullptr, 0);
  for (const int fd : {lifeline[0], lifeline[1], told[0]}) ::close(fd);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace brigade::internal
