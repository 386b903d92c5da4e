#include "transport/rings.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

// Looking at the clock takes longer than looking at the ring.
enum { LOOKS_PER_CLOCK = 8 };

int vgpu_rings_open(struct vgpu_stream* stream, int file) {
  // Only a file that nobody can make shorter is safe to map.
  if (!vgpu_file_is_sealed(file)) return -EPROTO;
  if (vgpu_file_bytes(file) != (int64_t)sizeof(struct vgpu_shared_rings)) return -EPROTO;
  void* mapped = mmap(NULL, sizeof(struct vgpu_shared_rings), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) return -errno;
  // A forked child has a connection of its own, and must not write into its parent's.
  if (vgpu_advise(mapped, sizeof(struct vgpu_shared_rings), MADV_DONTFORK) != 0) {
    const int status = -errno;
    munmap(mapped, sizeof(struct vgpu_shared_rings));
    return status;
  }
  stream->rings = mapped;
  stream->requests = (struct vgpu_ring_writer){.ring = &stream->rings->requests};
  stream->responses = (struct vgpu_ring_reader){.ring = &stream->rings->responses};
  // What was learnt at the socket does not hold here.
  stream->spin = vgpu_spin_new(stream->spin.allowed);
  return 0;
}

void vgpu_rings_close(struct vgpu_stream* stream) {
  if (stream->rings != NULL) munmap(stream->rings, sizeof(*stream->rings));
  stream->rings = NULL;
}

static bool has_response(struct vgpu_stream* stream) {
  const struct vgpu_ring_stretch content = vgpu_ring_content(&stream->responses);
  return content.length != 0 || content.broken;
}

static bool has_room(struct vgpu_stream* stream) {
  const struct vgpu_ring_stretch room = vgpu_ring_room(&stream->requests);
  return room.length != 0 || room.broken;
}

// What to wait for, and how to say that this end sleeps.
struct occasion {
  bool (*came)(struct vgpu_stream* stream);
  uint32_t* sleeps;
};

static bool spin(struct vgpu_stream* stream, const struct occasion* occasion) {
  const int64_t budget = vgpu_spin_budget(&stream->spin);
  if (budget == 0) return false;
  const int64_t deadline = vgpu_nanoseconds() + budget;
  bool came = false;
  do {
    for (int i = 0; i < LOOKS_PER_CLOCK && !came; ++i) {
      vgpu_spin_pause();
      came = occasion->came(stream);
    }
  } while (!came && vgpu_nanoseconds() < deadline);
  vgpu_spin_ended(&stream->spin, came);
  return came;
}

// Takes the bytes that woke us off the socket.
static int empty_socket(struct vgpu_stream* stream, struct vgpu_patience* patience) {
  unsigned char bytes[64];
  const long received = vgpu_receive(stream->descriptor, bytes, sizeof(bytes), &stream->passed);
  if (received == 0) return -ECONNRESET;
  if (received > 0) vgpu_patience_progressed(patience);
  return received > 0 || received == -EAGAIN || received == -EINTR ? 0 : (int)received;
}

static int sleep_at_socket(struct vgpu_stream* stream, const struct occasion* occasion,
                           struct vgpu_patience* patience) {
  int status = vgpu_stream_check(stream);
  if (status == 0) status = vgpu_stream_wait(stream, POLLIN, patience);
  if (status == 0) status = empty_socket(stream, patience);
  // What a worker said before it ended still counts.
  return status == -ECONNRESET && occasion->came(stream) ? 0 : status;
}

// Returns 0 also for no reason; the caller looks again.
static int wait_until(struct vgpu_stream* stream, const struct occasion* occasion,
                      struct vgpu_patience* patience) {
  if (spin(stream, occasion)) return 0;
  int status = 0;
  vgpu_ring_set_sleeps(occasion->sleeps, true);
  if (!occasion->came(stream)) status = sleep_at_socket(stream, occasion, patience);
  vgpu_ring_set_sleeps(occasion->sleeps, false);
  return status;
}

static int ring_bell(struct vgpu_stream* stream) {
  int status = vgpu_stream_check(stream);
  if (status != 0) return status;
  struct iovec part = {.iov_base = (char[]){0}, .iov_len = 1};
  const struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  do {
    status = (int)vgpu_send(stream->descriptor, &message);
  } while (status == -EINTR);
  if (status == -EPIPE) return -ECONNRESET;
  // A socket that is full of such bytes wakes by itself.
  return status == -EAGAIN || status > 0 ? 0 : status;
}

static int publish(struct vgpu_stream* stream) {
  return vgpu_ring_publish(&stream->requests) ? ring_bell(stream) : 0;
}

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

// Waits for room, having handed over what there is.
static int make_room(struct vgpu_stream* stream, struct vgpu_patience* patience) {
  const struct occasion room = {.came = has_room, .sleeps = &stream->requests.ring->writer_sleeps};
  const int status = publish(stream);
  return status != 0 ? status : wait_until(stream, &room, patience);
}

static int put(struct vgpu_stream* stream, struct iovec part, size_t* unpublished,
               struct vgpu_patience* patience) {
  const char* bytes = part.iov_base;
  size_t left = part.iov_len;
  while (left > 0) {
    const struct vgpu_ring_stretch room = vgpu_ring_room(&stream->requests);
    if (room.broken) return -EPROTO;
    int status = 0;
    if (room.length == 0) {
      status = make_room(stream, patience);
      *unpublished = 0;
    } else {
      const size_t length = smaller(smaller(left, room.length), VGPU_RING_PIECE_BYTES - *unpublished);
      memcpy(room.bytes, bytes, length);
      stream->requests.written += length;
      bytes += length;
      left -= length;
      *unpublished += length;
      vgpu_patience_progressed(patience);
      if (*unpublished == VGPU_RING_PIECE_BYTES) {
        status = publish(stream);
        *unpublished = 0;
      }
    }
    if (status != 0) return status;
  }
  return 0;
}

int vgpu_rings_send(struct vgpu_stream* stream, const struct iovec* parts, size_t count,
                    struct vgpu_patience* patience) {
  size_t unpublished = 0;
  for (size_t i = 0; i < count; ++i) {
    const int status = put(stream, parts[i], &unpublished, patience);
    if (status != 0) return status;
  }
  return unpublished == 0 ? 0 : publish(stream);
}

int vgpu_rings_receive(struct vgpu_stream* stream, void* bytes, size_t length,
                       struct vgpu_patience* patience) {
  const struct occasion response = {.came = has_response, .sleeps = &stream->responses.ring->reader_sleeps};
  char* destination = bytes;
  while (length > 0) {
    const struct vgpu_ring_stretch content = vgpu_ring_content(&stream->responses);
    if (content.broken) return -EPROTO;
    int status = 0;
    if (content.length == 0) {
      status = wait_until(stream, &response, patience);
    } else {
      const size_t taken = smaller(length, content.length);
      memcpy(destination, content.bytes, taken);
      stream->responses.read += taken;
      destination += taken;
      length -= taken;
      vgpu_patience_progressed(patience);
      if (vgpu_ring_release(&stream->responses)) status = ring_bell(stream);
    }
    if (status != 0) return status;
  }
  return 0;
}
