// Accepts clients and gives each a process of its own. One thread, which never waits for a client.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "clients/client_account.h"
#include "daemon/listening_socket.h"
#include "support/file_descriptor.h"
#include "support/log.h"

namespace vgpu::executor {

struct DaemonOptions {
  std::vector<Address> addresses;
  bool own_folder = false;  // the first unix socket's folder is the daemon's, and goes when it goes
  int ready_fd = -1;        // "ready\n" is written here once the socket listens
  int parent_fd = -1;       // the daemon stops when its other end is closed
};

class Daemon {
 public:
  /// Runs in a process of its own and gives its exit status.
  using ServeClient = std::function<int(FileDescriptor client, ClientAccount account)>;

  /// The table outlives this, and has no records yet.
  Daemon(DaemonOptions options, ClientTable& clients, ServeClient serve_client, Log& log);

  /// Returns when it was told to stop and every worker has ended. The signals that tell it so stay blocked:
  /// one more of them must not end a process that is about to end well. Throws ListenError and
  /// std::system_error.
  void run();

 private:
  struct Worker {
    std::string client;  // for the log
    ClientRecord* record;
    std::uint64_t number;  // in the order in which they started
  };

  void announce_ready();
  void remove_folder();
  void wait_for_events(std::chrono::milliseconds timeout);
  void watch_parent();
  void take_signals();
  void accept_clients(const ListeningSocket& listener);
  void start_worker(FileDescriptor client, ClientRecord& record);
  [[noreturn]] void become_worker(pid_t daemon, FileDescriptor client, ClientRecord& record);
  void evict_somebody();
  void reap_workers();
  void stop_workers();
  void signal_workers(int signal);

  DaemonOptions options_;
  ClientTable& clients_;
  ServeClient serve_client_;
  Log& log_;
  FileDescriptor signals_;
  FileDescriptor ready_;
  FileDescriptor parent_;
  std::vector<std::unique_ptr<ListeningSocket>> listeners_;
  std::map<pid_t, Worker> workers_;
  std::uint64_t started_workers_ = 0;
  std::string stop_reason_;  // empty while the daemon shall run
  /// Accepting failed for want of something; trying again at once would fail again.
  std::chrono::steady_clock::time_point accept_again_{};
};

}  // namespace vgpu::executor
