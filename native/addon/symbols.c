#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* dlinfo */
#endif
#include "symbols.h"

#include <stdlib.h> /* __GLIBC__ */

#if defined(__linux__) && defined(__GLIBC__) && (defined(__x86_64__) || defined(__aarch64__))

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef __x86_64__
#define IS_ADDRESS(type) ((type) == R_X86_64_64 || (type) == R_X86_64_GLOB_DAT || (type) == R_X86_64_JUMP_SLOT)
/* The addend of the other two is not part of their value (System V ABI, AMD64, table 4.9). */
#define HAS_ADDEND(type) ((type) == R_X86_64_64)
#else
#define IS_ADDRESS(type) ((type) == R_AARCH64_ABS64 || (type) == R_AARCH64_GLOB_DAT || (type) == R_AARCH64_JUMP_SLOT)
#define HAS_ADDEND(type) 1
#endif

/* What the dynamic segment of one loaded object says. */
typedef struct {
  const char *strings;
  const Elf64_Sym *symbols;
  const Elf64_Rela *relocations, *calls;
  size_t relocations_size, calls_size;
  const char *soname; /* or NULL */
} dynamic;

/* Where an object lies in memory, and the part of it that the loader makes read-only once it has bound it. */
typedef struct {
  uintptr_t start, end;
  uintptr_t sealed_start, sealed_end;
} place;

/* Objects in the order in which they are searched. */
typedef struct {
  struct link_map **maps;
  size_t count;
} group;

/* A library and what it has brought along. */
typedef struct {
  group group;
  place *places; /* of each of them */
  void *handle;
} own;

/* glibc makes an address of what is an offset in the file, but not where it can't write: in the vDSO. */
static const void *address_in(const struct link_map *map, Elf64_Addr value) {
  return (const void *)(value < map->l_addr ? map->l_addr + value : value);
}

static dynamic read_dynamic(const struct link_map *map) {
  dynamic found = {0};
  const Elf64_Dyn *soname = NULL;
  for (const Elf64_Dyn *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
    switch (entry->d_tag) {
      case DT_STRTAB: found.strings = address_in(map, entry->d_un.d_ptr); break;
      case DT_SYMTAB: found.symbols = address_in(map, entry->d_un.d_ptr); break;
      case DT_RELA: found.relocations = address_in(map, entry->d_un.d_ptr); break;
      case DT_RELASZ: found.relocations_size = entry->d_un.d_val; break;
      case DT_JMPREL: found.calls = address_in(map, entry->d_un.d_ptr); break;
      case DT_PLTRELSZ: found.calls_size = entry->d_un.d_val; break;
      case DT_SONAME: soname = entry; break;
      default: break;
    }
  }
  if (soname != NULL && found.strings != NULL) found.soname = found.strings + soname->d_un.d_val;
  return found;
}

static int is_named(const struct link_map *map, const char *name) {
  const char *soname = read_dynamic(map).soname;
  const char *slash = strrchr(map->l_name, '/');
  return (soname != NULL && strcmp(soname, name) == 0) || strcmp(map->l_name, name) == 0 || (slash != NULL && strcmp(slash + 1, name) == 0);
}

static int holds(const group *group, const struct link_map *map) {
  for (size_t i = 0; i < group->count; i++)
    if (group->maps[i] == map) return 1;
  return 0;
}

static void add(group *group, struct link_map *map) {
  if (!holds(group, map)) group->maps[group->count++] = map;
}

/* Adds what an object needs, and what that needs in turn, in the order in which the loader searches them. */
static void add_needed(group *group, struct link_map *first, struct link_map *root) {
  add(group, root);
  for (size_t i = holds(group, root) ? group->count - 1 : 0; i < group->count; i++) {
    const struct link_map *map = group->maps[i];
    const char *strings = read_dynamic(map).strings;
    for (const Elf64_Dyn *entry = map->l_ld; strings != NULL && entry->d_tag != DT_NULL; entry++) {
      if (entry->d_tag != DT_NEEDED) continue;
      for (struct link_map *other = first; other != NULL; other = other->l_next) {
        if (!is_named(other, strings + entry->d_un.d_val)) continue;
        add(group, other);
        break;
      }
    }
  }
}

/* What was there when the process began comes first in the list: the program, what is in LD_PRELOAD, and what these need. */
static void add_first(group *group, struct link_map *first) {
  add_needed(group, first, first);
  struct link_map *last = first;
  for (struct link_map *map = first; map != NULL; map = map->l_next)
    if (holds(group, map)) last = map;
  for (struct link_map *map = first; map != last; map = map->l_next) add(group, map);
}

static uintptr_t page_start(uintptr_t address) { return address & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1); }

static int note_place(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size;
  const own *own = data;
  size_t i = 0;
  while (i < own->group.count && own->group.maps[i]->l_addr != info->dlpi_addr) i++;
  if (i == own->group.count) return 0;
  place *place = &own->places[i];
  place->start = UINTPTR_MAX;
  for (int k = 0; k < info->dlpi_phnum; k++) {
    const Elf64_Phdr *header = &info->dlpi_phdr[k];
    uintptr_t start = info->dlpi_addr + header->p_vaddr;
    uintptr_t end = start + header->p_memsz;
    if (header->p_type == PT_LOAD && start < place->start) place->start = start;
    if (header->p_type == PT_LOAD && end > place->end) place->end = end;
    if (header->p_type == PT_GNU_RELRO) {
      place->sealed_start = page_start(start);
      place->sealed_end = page_start(end);
    }
  }
  return 0;
}

static int is_own(const own *own, uintptr_t address) {
  for (size_t i = 0; i < own->group.count; i++) {
    if (address >= own->places[i].start && address < own->places[i].end) return 1;
  }
  return 0;
}

/* A symbol that a whole process must agree on (STB_GNU_UNIQUE: only C++ has them) stays as it is bound. */
static int is_unique(const char *name, const void *address) {
  Dl_info info;
  const Elf64_Sym *symbol = NULL;
  if (strncmp(name, "_Z", 2) != 0) return 0;
  if (dladdr1(address, &info, (void **)&symbol, RTLD_DL_SYMENT) == 0 || symbol == NULL) return 0;
  return ELF64_ST_BIND(symbol->st_info) == STB_GNU_UNIQUE;
}

/* What a reference is to be bound to, where that is not what it is bound to; NULL else. */
static void *own_symbol(const own *own, const char *name, uintptr_t bound) {
  if (bound == 0 || is_own(own, bound)) return NULL;
  void *address = dlsym(own->handle, name);
  return address != NULL && is_own(own, (uintptr_t)address) && !is_unique(name, address) ? address : NULL;
}

static void bind_table(const own *own, size_t object, const dynamic *of, const Elf64_Rela *table, size_t size) {
  for (size_t i = 0; table != NULL && i < size / sizeof *table; i++) {
    const Elf64_Rela *relocation = &table[i];
    unsigned type = (unsigned)ELF64_R_TYPE(relocation->r_info);
    const Elf64_Sym *symbol = &of->symbols[ELF64_R_SYM(relocation->r_info)];
    if (!IS_ADDRESS(type) || ELF64_R_SYM(relocation->r_info) == 0 || ELF64_ST_BIND(symbol->st_info) == STB_LOCAL) continue;
    uintptr_t *slot = (uintptr_t *)(own->group.maps[object]->l_addr + relocation->r_offset);
    uintptr_t addend = HAS_ADDEND(type) ? (uintptr_t)relocation->r_addend : 0;
    void *address = own_symbol(own, of->strings + symbol->st_name, *slot - addend);
    if (address != NULL) __atomic_store_n(slot, (uintptr_t)address + addend, __ATOMIC_RELEASE);
  }
}

static void bind_object(const own *own, size_t object) {
  dynamic of = read_dynamic(own->group.maps[object]);
  const place *place = &own->places[object];
  size_t sealed = place->sealed_end - place->sealed_start;
  if (of.symbols == NULL || of.strings == NULL) return;
  if (sealed > 0 && mprotect((void *)place->sealed_start, sealed, PROT_READ | PROT_WRITE) != 0) return;
  bind_table(own, object, &of, of.relocations, of.relocations_size);
  bind_table(own, object, &of, of.calls, of.calls_size);
  if (sealed > 0) mprotect((void *)place->sealed_start, sealed, PROT_READ);
}

void symbols_bind_own(void *handle) {
  struct link_map *root = NULL;
  if (dlinfo(handle, RTLD_DI_LINKMAP, &root) != 0 || root == NULL) return;
  struct link_map *first = root;
  while (first->l_prev != NULL) first = first->l_prev;
  size_t count = 0;
  for (struct link_map *map = first; map != NULL; map = map->l_next) count++;
  struct link_map **room = calloc(3 * count, sizeof *room);
  place *places = calloc(count, sizeof *places);
  if (room != NULL && places != NULL) {
    group program = {.maps = room};
    group needed = {.maps = room + count};
    own own = {.group = {.maps = room + 2 * count}, .places = places, .handle = handle};
    add_first(&program, first);
    add_needed(&needed, first, root);
    for (size_t i = 0; i < needed.count; i++)
      if (!holds(&program, needed.maps[i])) add(&own.group, needed.maps[i]);
    dl_iterate_phdr(note_place, &own);
    for (size_t i = 0; i < own.group.count; i++) bind_object(&own, i);
  }
  free(room);
  free(places);
}

#else

void symbols_bind_own(void *handle) { (void)handle; }

#endif
