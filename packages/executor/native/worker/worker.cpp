#include "worker/worker.h"

#include <sys/socket.h>
#include <unistd.h>

#include <memory>

#include "clients/peer.h"
#include "clients/status_report.h"
#include "worker/frame_reader.h"
#include "worker/handshake.h"
#include "worker/heartbeat.h"
#include "worker/ring_channel.h"
#include "worker/session.h"
#include "worker/shared_rings.h"
#include "worker/socket_channel.h"
#include "worker/tcp.h"
#include "worker/tenure.h"

namespace vgpu::executor {
namespace {

/// Null when it cannot be had, in which case the client has been told.
std::unique_ptr<Backend> create_backend_for(int socket, const BackendOptions& options, Log& log) {
  try {
    BackendOptions own = options;
    own.log = &log;
    return create_backend(own);
  } catch (const std::exception& error) {
    send_refusal(socket, CUDA_ERROR_OUT_OF_MEMORY,
                 std::string("the device cannot be created: ") + error.what(), log);
    return nullptr;
  }
}

/// Null where the client does not ask for it, or it cannot be had; frames then travel through the socket.
std::unique_ptr<SharedRings> share_memory_with(int socket, const vgpu_hello& hello, Log& log) {
  int domain = 0;
  socklen_t length = sizeof(domain);
  const bool local = getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_UNIX;
  if (!local || (hello.features & VGPU_FEATURE_SHARED_MEMORY) == 0) return nullptr;
  try {
    return std::make_unique<SharedRings>();
  } catch (const std::system_error& error) {
    log.write(Level::warning, std::string("no memory to share with the client: ") + error.what());
    return nullptr;
  }
}

std::unique_ptr<Channel> create_channel(int socket, const SharedRings* rings) {
  if (rings != nullptr) return std::make_unique<RingChannel>(socket, rings->rings());
  return std::make_unique<SocketChannel>(socket);
}

void serve_requests(Channel& channel, Session& session, Tenure& tenure, Log& log) {
  // A client that goes away during a long kernel is noticed here: nobody wants the result, so the process
  // ends.
  Heartbeat heartbeat([&channel, &log] {
    if (channel.send_alive()) return;
    log.write(Level::info, "the client left while its work was running");
    _exit(0);
  });
  FrameReader frames(channel);
  for (;;) {
    FrameReader* stream = nullptr;
    switch (frames.next()) {
      case FrameReader::Result::frame:
        break;
      case FrameReader::Result::stream:
        stream = &frames;
        break;
      case FrameReader::Result::end:
        return;
      case FrameReader::Result::truncated:
        log.write(Level::warning, "the client left in the middle of a request");
        return;
      case FrameReader::Result::oversized:
        log.write(Level::error, "a request of " + std::to_string(frames.header().payload_bytes) +
                                    " bytes, at most " + std::to_string(VGPU_FRAME_PAYLOAD_LIMIT) +
                                    "; closing the connection");
        return;
    }
    heartbeat.begin_request();
    tenure.begin_request();
    const Session::Reply reply = session.handle(frames.header(), frames.payload(), stream);
    // A client that is still sending expects no answer. That it has left, the next frame will tell.
    static_cast<void>(frames.skip_stream());
    tenure.end_request();
    heartbeat.end_request(reply == Session::Reply::send);
    if (reply == Session::Reply::close) return;
    if (reply == Session::Reply::send &&
        !channel.send(session.response_header(), session.response_payload(), session.response_descriptor())) {
      return;
    }
  }
}

bool enter(int socket, Peer peer, const vgpu_hello& hello, ClientAccount account, Log& log) {
  // The kernel knows better, except about a process in another namespace.
  if (peer.process_id == 0) peer.process_id = hello.process_id;
  if (account.enter(peer, hello.program)) return true;
  const std::size_t places = account.table()->limits().places;
  send_refusal(socket, CUDA_ERROR_MPS_MAX_CLIENTS_REACHED,
               "all " + std::to_string(places) + " places for clients are taken", log);
  return false;
}

void report_status(int socket, const Peer& peer, const Proof& proof, const BackendOptions& options,
                   bool trusted, Log& log) {
  if (!trusted) {
    send_refusal(socket, CUDA_ERROR_NOT_PERMITTED, "only those who prove a token are told about others", log);
    return;
  }
  log.write(Level::debug, "status for " + describe(peer));
  send_status(socket, status_report(*options.account.table(), name_of(options.kind)), proof, log);
}

void serve_session(int socket, const vgpu_hello& hello, const Proof& proof, const BackendOptions& options,
                   const ServingOptions& serving, Log& log) {
  auto backend = create_backend_for(socket, options, log);
  if (backend == nullptr) return;
  const auto rings = share_memory_with(socket, hello, log);
  if (!send_welcome(socket, *backend, rings.get(), proof, log)) return;
  log.write(Level::info, rings == nullptr ? "connected" : "connected, with shared memory");
  const auto channel = create_channel(socket, rings.get());
  Session session(*backend, log, options.account, serving.faults);
  Tenure tenure(serving.tenure, [&](const std::string& reason) {
    log.write(Level::warning, "ending the client: " + reason);
    // The client hears of it from its next call. One that is in the middle of a long one is cut off.
    constexpr std::chrono::milliseconds kPatience{500};
    if (!session.end(kPatience, [&] { backend.reset(); })) _exit(0);
  });
  serve_requests(*channel, session, tenure, log);
  const std::string loaded = backend == nullptr ? "" : backend->loaded_code();
  log.write(Level::info, "disconnected after " + std::to_string(session.requests()) + " calls" +
                             (loaded.empty() ? "" : ", with " + loaded));
}

}  // namespace

int serve_client(FileDescriptor socket, BackendOptions options, const ServingOptions& serving, Log& log) {
  const auto& token = serving.token;
  try {
    const Peer peer = peer_of(socket.get());
    if (!peer.local) notice_silence(socket.get());
    const auto hello = receive_hello(socket.get(), kHelloDeadline, log);
    if (!hello) return 0;
    std::optional<Proof> proof = Proof{};
    if (!peer.local && token) proof = demand_proof(socket.get(), *hello, *token, kHelloDeadline, log);
    if (!proof) return 0;
    if (hello->purpose == VGPU_HELLO_STATUS) {
      report_status(socket.get(), peer, *proof, options, peer.local || token, log);
      return 0;
    }
    if (!enter(socket.get(), peer, *hello, options.account, log)) return 0;
    options.shares_memory = peer.local;
    serve_session(socket.get(), *hello, *proof, options, serving, log);
    return 0;
  } catch (const std::exception& error) {
    log.write(Level::error, std::string("the connection failed: ") + error.what());
    return 1;
  }
}

}  // namespace vgpu::executor
