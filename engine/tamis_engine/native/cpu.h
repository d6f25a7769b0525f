// What this processor can do, asked at run time: this file is compiled without any special instructions.
#pragma once

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#elif defined(__linux__) && defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace tamis {

// Levels of `simd.h`, the best first, as far as the operating system lets them be used.
inline const char* levels() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_cpu_init();
    unsigned a = 0, b = 0, c = 0, d = 0;
    const bool vnni = __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return "portable";
    if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        return vnni ? "avx512vnni avxvnni avx2 portable" : "avx512vnni avx2 portable";
    return vnni ? "avxvnni avx2 portable" : "avx2 portable";
#elif defined(__APPLE__) && defined(__aarch64__)
    return "dotprod portable";
#elif defined(__linux__) && defined(__aarch64__)
    constexpr unsigned long ASIMDDP = 1ul << 20;
    return getauxval(AT_HWCAP) & ASIMDDP ? "dotprod portable" : "portable";
#else
    return "portable";
#endif
}

}  // namespace tamis
