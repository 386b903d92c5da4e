// The memory through which a guest and its worker talk on one machine: two rings of bytes, requests one way
// and responses the other. C11 and C++, because both ends include it.
//
// Each ring has one writer and one reader. Positions count bytes and never go back; a position modulo the
// ring's size is a place. Both ends keep their own position in private memory, publish it, and believe the
// other's only as far as it is possible: whoever can write this memory can lie, also between two looks at the
// same word.
//
// Who finds nothing to do says so in a "sleeps" word, looks again, and waits at the socket. The other
// publishes its position and then looks at that word, all four in one total order: so one of the two sees the
// other, and no wake-up is lost.

#ifndef VGPU_SHARED_RING_H
#define VGPU_SHARED_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Several pieces, so that on a busy machine each end has something to do for as long as it has the processor.
#define VGPU_RING_BYTES (4u << 20)
// Large payloads are published in pieces of this size, so that both ends copy at the same time.
#define VGPU_RING_PIECE_BYTES (256u << 10)

// Words that different ends write lie in different pairs of cache lines.
#define VGPU_RING_SPACING 128

struct vgpu_ring {
  uint64_t written;  // the writer's position
  uint8_t padding_0[VGPU_RING_SPACING - sizeof(uint64_t)];
  uint64_t read;  // the reader's position
  uint8_t padding_1[VGPU_RING_SPACING - sizeof(uint64_t)];
  uint32_t reader_sleeps;
  uint8_t padding_2[VGPU_RING_SPACING - sizeof(uint32_t)];
  uint32_t writer_sleeps;
  uint8_t padding_3[4096 - 3 * VGPU_RING_SPACING - sizeof(uint32_t)];
  uint8_t bytes[VGPU_RING_BYTES];
};

// What the file that comes with the welcome holds.
struct vgpu_shared_rings {
  struct vgpu_ring requests;
  struct vgpu_ring responses;
};

// One end's private view.
struct vgpu_ring_writer {
  struct vgpu_ring* ring;
  uint64_t written;
  uint64_t read;  // the reader's position when it was last looked at
};

struct vgpu_ring_reader {
  struct vgpu_ring* ring;
  uint64_t read;
  uint64_t written;  // the writer's position when it was last looked at
};

// A stretch of the ring without the jump back to its beginning.
struct vgpu_ring_stretch {
  uint8_t* bytes;
  size_t length;  // 0: nothing now
  bool broken;    // the other end's position is impossible
};

static inline struct vgpu_ring_stretch vgpu_ring_stretch_at(struct vgpu_ring* ring, uint64_t position,
                                                            uint64_t length) {
  const size_t place = (size_t)(position % VGPU_RING_BYTES);
  const size_t contiguous = VGPU_RING_BYTES - place;
  struct vgpu_ring_stretch stretch = {&ring->bytes[place], 0, length > VGPU_RING_BYTES};
  if (!stretch.broken) stretch.length = length < contiguous ? (size_t)length : contiguous;
  return stretch;
}

// Where the writer may write next.
static inline struct vgpu_ring_stretch vgpu_ring_room(struct vgpu_ring_writer* writer) {
  uint64_t used = writer->written - writer->read;
  if (used >= VGPU_RING_BYTES) {
    writer->read = __atomic_load_n(&writer->ring->read, __ATOMIC_SEQ_CST);
    used = writer->written - writer->read;
  }
  const uint64_t room = used > VGPU_RING_BYTES ? UINT64_MAX : VGPU_RING_BYTES - used;
  return vgpu_ring_stretch_at(writer->ring, writer->written, room);
}

// What the reader may read next.
static inline struct vgpu_ring_stretch vgpu_ring_content(struct vgpu_ring_reader* reader) {
  if (reader->written == reader->read) {
    reader->written = __atomic_load_n(&reader->ring->written, __ATOMIC_SEQ_CST);
  }
  return vgpu_ring_stretch_at(reader->ring, reader->read, reader->written - reader->read);
}

static inline bool vgpu_ring_wake_needed(uint32_t* sleeps) {
  return __atomic_load_n(sleeps, __ATOMIC_SEQ_CST) != 0 &&
         __atomic_exchange_n(sleeps, 0, __ATOMIC_SEQ_CST) != 0;
}

// Hands over everything up to the writer's position. True: the reader sleeps and is to be woken.
static inline bool vgpu_ring_publish(struct vgpu_ring_writer* writer) {
  __atomic_store_n(&writer->ring->written, writer->written, __ATOMIC_SEQ_CST);
  return vgpu_ring_wake_needed(&writer->ring->reader_sleeps);
}

// Gives back everything before the reader's position. True: the writer sleeps and is to be woken.
static inline bool vgpu_ring_release(struct vgpu_ring_reader* reader) {
  __atomic_store_n(&reader->ring->read, reader->read, __ATOMIC_SEQ_CST);
  // Who sleeps for want of room is woken when it is worth it; a reader that finds nothing more has been here.
  if (reader->written - reader->read > VGPU_RING_BYTES / 2) return false;
  return vgpu_ring_wake_needed(&reader->ring->writer_sleeps);
}

static inline void vgpu_ring_set_sleeps(uint32_t* sleeps, bool value) {
  __atomic_store_n(sleeps, value ? 1u : 0u, __ATOMIC_SEQ_CST);
}

#endif
