#include "daemon/daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "clients/peer.h"

namespace vgpu::executor {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kForever{-1};
/// What a worker gets to end by itself before it is killed.
constexpr milliseconds kGrace{2000};
constexpr milliseconds kAcceptPause{100};
constexpr std::array kStopSignals = {SIGTERM, SIGINT, SIGHUP};

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  for (const int signal : kStopSignals) sigaddset(&set, signal);
  return set;
}

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::string describe_end(int status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    return "was killed by signal " + std::to_string(signal) + " (" + strsignal(signal) + ")";
  }
  return "ended with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Daemon::Daemon(DaemonOptions options, ClientTable& clients, ServeClient serve_client, Log& log)
    : options_(std::move(options)),
      clients_(clients),
      serve_client_(std::move(serve_client)),
      log_(log),
      ready_(options_.ready_fd),
      parent_(options_.parent_fd) {
  // One descriptor may serve both purposes, and then has two owners.
  if (parent_ && parent_.get() == ready_.get()) {
    static_cast<void>(parent_.release());
    parent_ = FileDescriptor(fcntl(ready_.get(), F_DUPFD_CLOEXEC, 0));
    if (!parent_) fail("duplicate the parent's descriptor");
  }
}

void Daemon::run() {
  const sigset_t handled = handled_signals();
  if (sigprocmask(SIG_BLOCK, &handled, nullptr) != 0) fail("sigprocmask");
  signals_ = FileDescriptor(signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) fail("signalfd");

  for (const Address& address : options_.addresses) {
    listeners_.push_back(std::make_unique<ListeningSocket>(address));
    log_.write(Level::info, "listening at " + listeners_.back()->address().url());
  }
  announce_ready();

  while (stop_reason_.empty()) wait_for_events(kForever);

  log_.write(Level::info,
             "stopping: " + stop_reason_ + ", " + std::to_string(workers_.size()) + " clients connected");
  listeners_.clear();
  if (options_.own_folder) remove_folder();
  stop_workers();
  signals_.reset();
}

void Daemon::remove_folder() {
  const auto is_file = [](const Address& address) { return address.family() == AF_UNIX; };
  const auto socket = std::ranges::find_if(options_.addresses, is_file);
  if (socket == options_.addresses.end()) return;
  const std::string folder = std::filesystem::path(socket->path()).parent_path();
  if (rmdir(folder.c_str()) == 0) return;
  log_.write(Level::warning, "cannot remove " + folder + ": " + std::strerror(errno));
}

void Daemon::announce_ready() {
  if (!ready_) return;
  constexpr std::string_view kReady = "ready\n";
  if (write(ready_.get(), kReady.data(), kReady.size()) != static_cast<ssize_t>(kReady.size())) {
    log_.write(Level::warning,
               std::string("nobody to tell that the socket listens: ") + std::strerror(errno));
  }
  ready_.reset();
}

void Daemon::wait_for_events(milliseconds timeout) {
  const bool accepting = !listeners_.empty() && Clock::now() >= accept_again_;
  if (!listeners_.empty() && !accepting) timeout = kAcceptPause;
  // poll() ignores negative descriptors.
  std::vector<pollfd> events{{.fd = signals_.get(), .events = POLLIN, .revents = 0},
                             {.fd = parent_.get(), .events = POLLIN, .revents = 0}};
  for (const auto& listener : listeners_) {
    events.push_back({.fd = accepting ? listener->get() : -1, .events = POLLIN, .revents = 0});
  }
  if (poll(events.data(), events.size(), static_cast<int>(timeout.count())) < 0) {
    if (errno == EINTR) return;
    fail("poll");
  }
  if (events[0].revents != 0) take_signals();
  if (events[1].revents != 0) watch_parent();
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    if (events[i + 2].revents != 0 && stop_reason_.empty()) accept_clients(*listeners_[i]);
  }
}

void Daemon::watch_parent() {
  std::array<char, 64> ignored{};
  const ssize_t count = read(parent_.get(), ignored.data(), ignored.size());
  if (count > 0 || (count < 0 && (errno == EINTR || errno == EAGAIN))) return;
  parent_.reset();
  if (stop_reason_.empty()) stop_reason_ = "the parent process has gone";
}

void Daemon::take_signals() {
  signalfd_siginfo signal{};
  while (read(signals_.get(), &signal, sizeof(signal)) == static_cast<ssize_t>(sizeof(signal))) {
    const int number = static_cast<int>(signal.ssi_signo);
    if (number != SIGCHLD && stop_reason_.empty()) stop_reason_ = std::string("signal ") + strsignal(number);
  }
  // Signals of several children merge into one.
  reap_workers();
}

void Daemon::accept_clients(const ListeningSocket& listener) {
  for (;;) {
    ClientRecord* record = clients_.add();
    if (record == nullptr) {
      // Whoever waits to be accepted waits for the end of that one.
      evict_somebody();
      accept_again_ = Clock::now() + kAcceptPause;
      return;
    }
    FileDescriptor client(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (client) {
      start_worker(std::move(client), *record);
      continue;
    }
    const int error = errno;
    clients_.remove(*record);
    if (error == EINTR || error == ECONNABORTED) continue;
    if (error != EAGAIN) {
      log_.write(Level::error, std::string("cannot accept a client: ") + std::strerror(error));
      accept_again_ = Clock::now() + kAcceptPause;
    }
    return;
  }
}

void Daemon::start_worker(FileDescriptor client, ClientRecord& record) {
  std::string peer = describe(peer_of(client.get()));
  const pid_t daemon = getpid();
  const pid_t worker = fork();
  if (worker == 0) become_worker(daemon, std::move(client), record);
  if (worker < 0) {
    log_.write(Level::error, "cannot start a worker for " + peer + ": " + std::strerror(errno));
    clients_.remove(record);
    return;
  }
  workers_.emplace(worker, Worker{std::move(peer), &record, ++started_workers_});
}

void Daemon::evict_somebody() {
  const std::pair<const pid_t, Worker>* oldest = nullptr;
  for (const auto& worker : workers_) {
    if (clients_.has_place(*worker.second.record)) continue;
    if (oldest == nullptr || worker.second.number < oldest->second.number) oldest = &worker;
  }
  if (oldest == nullptr) return;
  log_.write(Level::warning, "too many connections without a place: ending that of " + oldest->second.client);
  kill(oldest->first, SIGKILL);
}

void Daemon::become_worker(pid_t daemon, FileDescriptor client, ClientRecord& record) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The daemon may have died before the line above took effect.
  if (getppid() != daemon) _exit(1);
  prctl(PR_SET_NAME, "vgpu-worker");
  // When memory runs out the worker goes, not the daemon with everybody. Only a wish: /proc may be missing.
  std::ofstream("/proc/self/oom_score_adj") << 500;

  for (const auto& listener : listeners_) listener->forget();
  signals_.reset();
  parent_.reset();
  const sigset_t handled = handled_signals();
  if (sigprocmask(SIG_UNBLOCK, &handled, nullptr) != 0) _exit(1);
  // Not exit(): what the daemon registered and what it has buffered is the daemon's.
  _exit(serve_client_(std::move(client), ClientAccount(clients_, record)));
}

void Daemon::reap_workers() {
  int status = 0;
  for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
    const auto worker = workers_.find(pid);
    if (worker == workers_.end()) continue;
    clients_.remove(*worker->second.record);
    accept_again_ = {};
    const bool asked_to = !stop_reason_.empty();
    if (status != 0 && !asked_to) {
      log_.write(Level::error, "worker " + std::to_string(pid) + " of " + worker->second.client + " " +
                                   describe_end(status) + "; other clients are not affected");
    }
    workers_.erase(worker);
  }
}

void Daemon::signal_workers(int signal) {
  // A worker that has ended keeps its number until it is reaped, so this can hit nobody else.
  for (const auto& [pid, worker] : workers_) kill(pid, signal);
}

void Daemon::stop_workers() {
  signal_workers(SIGTERM);
  const auto deadline = Clock::now() + kGrace;
  while (!workers_.empty() && Clock::now() < deadline) {
    wait_for_events(std::chrono::ceil<milliseconds>(deadline - Clock::now()));
  }
  if (workers_.empty()) return;
  log_.write(Level::warning, "killing " + std::to_string(workers_.size()) + " workers that do not end");
  signal_workers(SIGKILL);
  while (!workers_.empty()) wait_for_events(kForever);
}

}  // namespace vgpu::executor
