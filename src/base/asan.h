/* Poisoning of memory that must not be touched; nothing without ASan. */
#ifndef EG_BASE_ASAN_H
#define EG_BASE_ASAN_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EGI_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(EGI_ASAN)
#define EGI_ASAN 1
#endif

#ifdef EGI_ASAN
#include <sanitizer/asan_interface.h>
#define EGI_POISON(p, n) __asan_poison_memory_region((p), (n))
#define EGI_UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#else
#define EGI_POISON(p, n) ((void)(p), (void)(n))
#define EGI_UNPOISON(p, n) ((void)(p), (void)(n))
#endif

#endif
