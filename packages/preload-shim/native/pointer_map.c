#include "pointer_map.h"

#include <stdint.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

// The slot of the key, or the free slot where it would go.
static struct vgpu_pointer_map_slot* slot_of(const struct vgpu_pointer_map* map, const void* key) {
  // Multiplying by 2^64 / golden ratio spreads addresses, whose low bits are all alike.
  size_t index = (size_t)(((uint64_t)(uintptr_t)key * 0x9e3779b97f4a7c15u) >> 32);
  for (;; ++index) {
    struct vgpu_pointer_map_slot* slot = &map->slots[index & (map->capacity - 1)];
    if (slot->key == key || slot->key == NULL) return slot;
  }
}

static bool grow(struct vgpu_pointer_map* map) {
  size_t living = 0;
  for (size_t i = 0; i < map->capacity; ++i) living += map->slots[i].value != NULL;
  struct vgpu_pointer_map larger = {.capacity = FIRST_CAPACITY, .used = living};
  while (larger.capacity < 4 * (living + 1)) larger.capacity *= 2;
  larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
  if (larger.slots == NULL) return false;
  for (size_t i = 0; i < map->capacity; ++i) {
    if (map->slots[i].value != NULL) *slot_of(&larger, map->slots[i].key) = map->slots[i];
  }
  free(map->slots);
  *map = larger;
  return true;
}

void* vgpu_pointer_map_find(const struct vgpu_pointer_map* map, const void* key) {
  return map->capacity == 0 || key == NULL ? NULL : slot_of(map, key)->value;
}

bool vgpu_pointer_map_insert(struct vgpu_pointer_map* map, const void* key, void* value) {
  // At most half full, so that a search meets a free slot soon.
  if (2 * (map->used + 1) > map->capacity && !grow(map)) return false;
  struct vgpu_pointer_map_slot* slot = slot_of(map, key);
  if (slot->key == NULL) ++map->used;
  *slot = (struct vgpu_pointer_map_slot){.key = key, .value = value};
  return true;
}

void vgpu_pointer_map_remove(struct vgpu_pointer_map* map, const void* key) {
  if (map->capacity == 0) return;
  struct vgpu_pointer_map_slot* slot = slot_of(map, key);
  // The key stays, so that searches for others go on past it.
  if (slot->key == key) slot->value = NULL;
}

void vgpu_pointer_map_clear(struct vgpu_pointer_map* map, void (*release)(void* value)) {
  for (size_t i = 0; i < map->capacity; ++i) {
    if (map->slots[i].value != NULL) release(map->slots[i].value);
  }
  free(map->slots);
  *map = (struct vgpu_pointer_map){.capacity = 0};
}
