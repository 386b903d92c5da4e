// A hash map from pointers (or handles) to pointers. Neither may be NULL. Not synchronised.

#ifndef VGPU_POINTER_MAP_H
#define VGPU_POINTER_MAP_H

#include <stdbool.h>
#include <stddef.h>

struct vgpu_pointer_map_slot {
  const void* key;  // NULL: free
  void* value;      // NULL: removed
};

// All zero is an empty map.
struct vgpu_pointer_map {
  struct vgpu_pointer_map_slot* slots;
  size_t capacity;  // a power of two
  size_t used;      // removed ones included
};

// NULL when there is none.
void* vgpu_pointer_map_find(const struct vgpu_pointer_map* map, const void* key);
// Replaces an older value. False when there is no memory; the map is then as it was.
bool vgpu_pointer_map_insert(struct vgpu_pointer_map* map, const void* key, void* value);
void vgpu_pointer_map_remove(struct vgpu_pointer_map* map, const void* key);
// Empties the map; `release` gets every value.
void vgpu_pointer_map_clear(struct vgpu_pointer_map* map, void (*release)(void* value));

#endif
