#include "transport/stream.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "transport/rings.h"
#include "vgpu_protocol.h"

struct vgpu_patience vgpu_patience_until(int64_t deadline) {
  return (struct vgpu_patience){.deadline = deadline, .silence = 0};
}

struct vgpu_patience vgpu_patience_for_silence(int64_t milliseconds) {
  return (struct vgpu_patience){.deadline = 0, .silence = milliseconds};
}

void vgpu_patience_progressed(struct vgpu_patience* patience) {
  if (patience->silence != 0) patience->deadline = 0;
}

int vgpu_stream_wait(const struct vgpu_stream* stream, short events, struct vgpu_patience* patience) {
  const int64_t now = vgpu_now();
  if (patience->deadline == 0) patience->deadline = now + patience->silence;
  if (now >= patience->deadline) return -ETIMEDOUT;
  struct pollfd descriptor = {.fd = stream->descriptor, .events = events};
  const int ready = vgpu_poll(&descriptor, 1, patience->deadline - now);
  // After a signal or a time-out the caller tries again, and comes back to the deadline above.
  if (ready < 0) return ready == -EINTR ? 0 : ready;
  return descriptor.revents & POLLNVAL ? -EBADF : 0;
}

int vgpu_stream_check(const struct vgpu_stream* stream) {
  struct vgpu_file_identity found;
  // Daemons close all descriptors and reuse the numbers: without this our bytes would go into their file.
  if (vgpu_identify(stream->descriptor, &found) < 0) return -EBADF;
  const struct vgpu_file_identity* own = &stream->identity;
  return found.device == own->device && found.inode == own->inode ? 0 : -EBADF;
}

void vgpu_stream_close(struct vgpu_stream* stream) {
  if (vgpu_stream_check(stream) == 0) vgpu_close(stream->descriptor);
  if (stream->passed >= 0) vgpu_close(stream->passed);
  stream->passed = -1;
  vgpu_rings_close(stream);
}

int vgpu_stream_take_passed(struct vgpu_stream* stream) {
  if (stream->rings != NULL && vgpu_stream_check(stream) == 0) {
    // It was sent before the response, which came another way. The bytes themselves say nothing new.
    unsigned char bytes[64];
    while (stream->passed < 0 &&
           vgpu_receive(stream->descriptor, bytes, sizeof(bytes), &stream->passed) > 0) {
    }
  }
  const int passed = stream->passed;
  stream->passed = -1;
  return passed;
}

// One recv into the free end of the buffer: the number of bytes, 0 when there are none now, or a negative
// errno.
static long fill(struct vgpu_stream* stream) {
  if (stream->first == stream->end) stream->first = stream->end = 0;
  if (stream->end == VGPU_STREAM_BUFFER) {
    memmove(stream->buffer, stream->buffer + stream->first, stream->end - stream->first);
    stream->end -= stream->first;
    stream->first = 0;
  }
  const long received = vgpu_receive(stream->descriptor, stream->buffer + stream->end,
                                     VGPU_STREAM_BUFFER - stream->end, &stream->passed);
  if (received == 0) return -ECONNRESET;
  if (received == -EAGAIN || received == -EINTR) return 0;
  if (received > 0) stream->end += (size_t)received;
  return received;
}

// The same, but waits awake for a moment when there is nothing yet and that mostly pays.
static long fill_soon(struct vgpu_stream* stream) {
  long received = fill(stream);
  const int64_t budget = received == 0 ? vgpu_spin_budget(&stream->spin) : 0;
  if (budget == 0) return received;
  const int64_t deadline = vgpu_nanoseconds() + budget;
  do {
    received = fill(stream);
  } while (received == 0 && vgpu_nanoseconds() < deadline);
  vgpu_spin_ended(&stream->spin, received != 0);
  return received;
}

// While a request is still being sent, nothing but "still working" may come.
static int drop_alive_frames(struct vgpu_stream* stream, struct vgpu_patience* patience) {
  const long received = fill(stream);
  if (received < 0) return (int)received;
  if (received > 0) vgpu_patience_progressed(patience);
  struct vgpu_frame frame;
  while (stream->end - stream->first >= sizeof(frame)) {
    memcpy(&frame, stream->buffer + stream->first, sizeof(frame));
    if (frame.call != VGPU_CALL_ALIVE || frame.payload_bytes != 0) return -EPROTO;
    stream->first += sizeof(frame);
  }
  return 0;
}

static void advance(struct iovec** parts, size_t* count, size_t sent) {
  while (*count > 0 && sent >= (*parts)->iov_len) {
    sent -= (*parts)->iov_len;
    ++*parts;
    --*count;
  }
  if (*count == 0) return;
  (*parts)->iov_base = (char*)(*parts)->iov_base + sent;
  (*parts)->iov_len -= sent;
}

// One sendmsg, or a wait for room: the number of bytes, or a negative errno.
static long send_some(struct vgpu_stream* stream, struct iovec* parts, size_t count,
                      struct vgpu_patience* patience) {
  const struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
  const long sent = vgpu_send(stream->descriptor, &message);
  if (sent >= 0) {
    vgpu_patience_progressed(patience);
    return sent;
  }
  if (sent == -EINTR) return 0;
  if (sent == -EPIPE) return -ECONNRESET;
  if (sent != -EAGAIN) return sent;
  const int status = vgpu_stream_wait(stream, POLLOUT | POLLIN, patience);
  return status != 0 ? status : drop_alive_frames(stream, patience);
}

// The frame's header has announced these bytes.
static int send_zeros(struct vgpu_stream* stream, size_t length, struct vgpu_patience* patience) {
  static char zeros[4096];
  while (length > 0) {
    struct iovec part = {.iov_base = zeros, .iov_len = length < sizeof(zeros) ? length : sizeof(zeros)};
    const long sent = send_some(stream, &part, 1, patience);
    if (sent < 0) return (int)sent;
    length -= (size_t)sent;
  }
  return 0;
}

int vgpu_stream_send(struct vgpu_stream* stream, struct iovec* parts, size_t count,
                     struct vgpu_patience* patience) {
  if (stream->rings != NULL) return vgpu_rings_send(stream, parts, count, patience);
  bool unreadable = false;
  bool one_by_one = false;
  while (count > 0) {
    const long sent = send_some(stream, parts, one_by_one ? 1 : count, patience);
    if (sent >= 0) {
      advance(&parts, &count, (size_t)sent);
    } else if (sent != -EFAULT) {
      return (int)sent;
    } else if (!one_by_one) {
      one_by_one = true;  // to learn which part it is
    } else {
      unreadable = true;
      const size_t length = parts->iov_len;
      const int status = send_zeros(stream, length, patience);
      if (status != 0) return status;
      advance(&parts, &count, length);
    }
  }
  return unreadable ? -EFAULT : 0;
}

static size_t take(struct vgpu_stream* stream, void* bytes, size_t length) {
  const size_t available = stream->end - stream->first;
  const size_t taken = available < length ? available : length;
  memcpy(bytes, stream->buffer + stream->first, taken);
  stream->first += taken;
  return taken;
}

// One recv, into the buffer or for large payloads where they belong: the number of bytes that *destination
// got, or a negative errno.
static long receive_some(struct vgpu_stream* stream, char* destination, size_t length,
                         struct vgpu_patience* patience) {
  if (stream->first != stream->end) return (long)take(stream, destination, length);
  long received;
  if (length < VGPU_STREAM_BUFFER) {
    received = fill_soon(stream);
    if (received < 0) return received;
    if (received > 0) {
      vgpu_patience_progressed(patience);
      return 0;
    }
  } else {
    received = vgpu_receive(stream->descriptor, destination, length, &stream->passed);
    if (received == 0) return -ECONNRESET;
    if (received > 0) vgpu_patience_progressed(patience);
    if (received != -EAGAIN && received != -EINTR) return received;
  }
  return vgpu_stream_wait(stream, POLLIN, patience);
}

int vgpu_stream_receive(struct vgpu_stream* stream, void* bytes, size_t length,
                        struct vgpu_patience* patience) {
  if (stream->rings != NULL) return vgpu_rings_receive(stream, bytes, length, patience);
  char dropped[VGPU_STREAM_BUFFER];
  char* destination = bytes;
  bool unwritable = false;
  while (length > 0) {
    const size_t wanted = unwritable && length > sizeof(dropped) ? sizeof(dropped) : length;
    const long received = receive_some(stream, unwritable ? dropped : destination, wanted, patience);
    if (received == -EFAULT && !unwritable) {
      unwritable = true;
      continue;
    }
    if (received < 0) return (int)received;
    if (!unwritable) destination += received;
    length -= (size_t)received;
  }
  return unwritable ? -EFAULT : 0;
}
