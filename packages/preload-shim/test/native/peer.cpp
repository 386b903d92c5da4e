#include "peer.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace vgpu::test {
namespace {

constexpr int kPatience = 30'000;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

bool wait_for(int descriptor, short events, int milliseconds) {
  pollfd entry{descriptor, events, 0};
  int ready;
  while ((ready = poll(&entry, 1, milliseconds)) < 0 && errno == EINTR) {
  }
  return ready > 0;
}

}  // namespace

Introduction::Introduction() {
  static constexpr std::uint8_t kHash[] = VGPU_SCHEMA_HASH;
  welcome.magic = VGPU_MAGIC;
  welcome.protocol_version = VGPU_PROTOCOL_VERSION;
  std::memcpy(welcome.schema_hash, kHash, sizeof kHash);
  welcome.device_count = 1;
  welcome.driver_version = 13000;
  std::strcpy(welcome.backend, "fake");
  std::strcpy(welcome.driver_release, "580.95.05");

  vgpu_device device{};
  device.total_memory = std::uint64_t{1} << 30;
  device.address_base = kAddressBase;
  device.address_bytes = std::uint64_t{1} << 32;
  std::strcpy(device.name, "Fake GPU");
  std::strcpy(device.pci_bus_id, "0000:0a:00.0");
  for (int i = 0; i < 16; ++i) device.uuid[i] = static_cast<std::uint8_t>(0xa0 + i);
  for (auto& attribute : device.attributes) attribute = VGPU_ATTRIBUTE_UNKNOWN;
  const std::map<int, int> attributes = {
      {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 1024},
      {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X, 1024},
      {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y, 1024},
      {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z, 64},
      {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, 0x7fffffff},
      {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, 65535},
      {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, 65535},
      {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, 49152},
      {CU_DEVICE_ATTRIBUTE_WARP_SIZE, 32},
      {CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 4},
      {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR, 1024},
      {CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR, 16},
      {CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR, 65536},
      {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR, 65536},
      {CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK, 0},
      {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 7},
      {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 5},
      {CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID, 0},
      {CU_DEVICE_ATTRIBUTE_PCI_BUS_ID, 10},
      {CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID, 0},
      {CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING, 1},
      {CU_DEVICE_ATTRIBUTE_INTEGRATED, 0},
  };
  for (const auto& [attribute, value] : attributes) device.attributes[attribute] = value;
  devices.push_back(device);
}

bool Connection::receive(void* bytes, std::size_t length) {
  auto* destination = static_cast<std::byte*>(bytes);
  while (length > 0) {
    if (!wait_for(descriptor_, POLLIN, kPatience)) throw std::runtime_error("the guest sends nothing");
    const ssize_t got = recv(descriptor_, destination, length, 0);
    if (got == 0 || (got < 0 && errno == ECONNRESET)) return false;
    if (got < 0) fail("recv");
    destination += got;
    length -= static_cast<std::size_t>(got);
  }
  return true;
}

void Connection::send(std::span<const std::byte> bytes, int file) {
  while (!bytes.empty()) {
    iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int))> control{};
    if (file >= 0) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(header), &file, sizeof(int));
    }
    const ssize_t sent = ::sendmsg(descriptor_, &message, MSG_NOSIGNAL);
    // A guest that has given up is the guest's affair.
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) return;
    if (sent < 0) fail("send");
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
    file = -1;  // it went with the first byte
  }
}

void Connection::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

vgpu_hello Connection::read_hello() {
  vgpu_hello hello{};
  if (!receive(&hello, sizeof hello)) throw std::runtime_error("no hello");
  return hello;
}

void Connection::introduce(const Introduction& introduction) {
  send(packed(introduction.welcome));
  for (const vgpu_device& device : introduction.devices) send(packed(device));
}

void Connection::greet(const Introduction& introduction) {
  read_hello();
  introduce(introduction);
}

bool Connection::read_request(Request& request) {
  if (!receive(&request.frame, sizeof request.frame)) return false;
  request.payload.resize(request.frame.payload_bytes);
  return receive(request.payload.data(), request.payload.size());
}

void Connection::answer(const Request& request, const Answer& answer) {
  vgpu_frame frame{};
  frame.call = request.frame.call;
  frame.sequence = request.frame.sequence;
  frame.status = answer.status;
  frame.payload_bytes = static_cast<std::uint32_t>(answer.payload.size());
  send(packed(frame));
  send(answer.payload);
}

void Connection::alive() {
  send(packed(vgpu_frame{}));
}

Peer::Peer(int queue) : path_(folder_.path() + "/socket") {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof address.sun_path - 1);
  descriptor_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor_ < 0) fail("socket");
  if (bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("bind");
  if (listen(descriptor_, queue) != 0) fail("listen");
}

Peer::~Peer() {
  stop();
}

void Peer::stop() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

Environment Peer::environment() const {
  return {
      {"VGPU_EXECUTOR", "unix:" + path_},
      {"VGPU_CONNECT_TIMEOUT_MS", "400"},
      {"VGPU_SILENCE_TIMEOUT_MS", "400"},
  };
}

bool Peer::has_caller(std::chrono::milliseconds limit) const {
  return wait_for(descriptor_, POLLIN, static_cast<int>(limit.count()));
}

Connection Peer::accept() {
  if (!has_caller(std::chrono::milliseconds(kPatience))) throw std::runtime_error("nobody connects");
  const int descriptor = ::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
  if (descriptor < 0) fail("accept");
  return Connection(descriptor);
}

FakeExecutor::FakeExecutor() {
  const auto context = [](const Request&) { return Answer{.payload = packed(kContext)}; };
  handlers[VGPU_CALL_cuDevicePrimaryCtxRetain] = context;
  handlers[VGPU_CALL_vgpuContextCreate] = context;
  handlers[VGPU_CALL_vgpuContextDevice] = [](const Request&) {
    return Answer{.payload = packed(std::int32_t{0})};
  };
}

void FakeExecutor::serve(Connection& connection) {
  Request request;
  while (connection.read_request(request)) {
    requests.push_back(request);
    const auto handler = handlers.find(request.frame.call);
    const Answer answer = handler == handlers.end() ? Answer{} : handler->second(request);
    if ((request.frame.status & VGPU_FRAME_DEFERRED) == 0) connection.answer(request, answer);
  }
}

std::vector<Request> FakeExecutor::of(std::uint32_t call) const {
  std::vector<Request> found;
  for (const Request& request : requests) {
    if (request.frame.call == call) found.push_back(request);
  }
  return found;
}

Outcome run_with(FakeExecutor& executor, const std::function<Values()>& code, const Environment& extra) {
  Peer peer;
  Environment environment = peer.environment();
  // It is served: what takes long is a busy machine.
  environment["VGPU_CONNECT_TIMEOUT_MS"] = environment["VGPU_SILENCE_TIMEOUT_MS"] = "20000";
  for (const auto& [name, value] : extra) environment[name] = value;
  Guest guest(environment, code);
  Connection connection = peer.accept();
  connection.greet();
  executor.serve(connection);
  return guest.finish();
}

CUresult start_context() {
  CUcontext context = nullptr;
  CUresult result = cuInit(0);
  if (result == CUDA_SUCCESS) result = cuDevicePrimaryCtxRetain(&context, 0);
  return result == CUDA_SUCCESS ? cuCtxSetCurrent(context) : result;
}

}  // namespace vgpu::test
