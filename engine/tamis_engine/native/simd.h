// Vectors of one instruction set, chosen by the compiler's flags: this code is compiled once for each set.
// Arithmetic is written with the compilers' own vector types; only the int8 dot product needs intrinsics.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__ARM_FEATURE_DOTPROD)
#include <arm_neon.h>
#endif

namespace tamis {

// LANES floats make a vector, VECTORS vectors of columns a panel of weights; WIDE says that a panel of two leaves
// registers for twelve rows. An Activation holds a value of 0 to 255, less SHIFT.
#if defined(__AVX512VNNI__) && defined(__AVX512BW__)
inline constexpr int LANES = 16, VECTORS = 4, SHIFT = 0;
inline constexpr bool WIDE = true;
using Activation = uint8_t;
#elif defined(__AVXVNNI__)
inline constexpr int LANES = 8, VECTORS = 2, SHIFT = 0;
inline constexpr bool WIDE = false;
using Activation = uint8_t;
#elif defined(__AVX2__)
inline constexpr int LANES = 8, VECTORS = 2, SHIFT = 0;
inline constexpr bool WIDE = false;
using Activation = int16_t;
#elif defined(__ARM_FEATURE_DOTPROD)
inline constexpr int LANES = 4, VECTORS = 4, SHIFT = 128;
inline constexpr bool WIDE = false;
using Activation = int8_t;
#else
inline constexpr int LANES = 4, VECTORS = 2, SHIFT = 0;
inline constexpr bool WIDE = false;
using Activation = int32_t;
#endif

// Neighbours in a row that one 32-bit lane multiplies at once; weights are laid out in such groups.
inline constexpr int GROUP = 4 / static_cast<int>(sizeof(Activation));

typedef float Floats __attribute__((vector_size(LANES * 4)));
typedef int32_t Ints __attribute__((vector_size(LANES * 4)));
typedef Activation Narrow __attribute__((vector_size(LANES * sizeof(Activation))));

template <class Vector> inline Vector load(const void* from) {
    Vector value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

template <class Vector> inline void store(void* to, Vector value) { std::memcpy(to, &value, sizeof value); }

inline Floats all(float value) { return value - Floats{}; }
inline Floats larger(Floats a, Floats b) { return a > b ? a : b; }
inline Floats smaller(Floats a, Floats b) { return a < b ? a : b; }

inline float sum(Floats value) {
    float total = 0;
    for (int lane = 0; lane < LANES; ++lane) total += value[lane];
    return total;
}

inline float highest(Floats value) {
    float found = value[0];
    for (int lane = 1; lane < LANES; ++lane) found = value[lane] > found ? value[lane] : found;
    return found;
}

// sums + weights * activations: GROUP products a lane; `activations` points to one group, the same for all lanes.
inline Ints dot(Ints sums, const int8_t* weights, const Activation* activations) {
    const int32_t group = load<int32_t>(activations);
#if defined(__AVX512VNNI__) && defined(__AVX512BW__)
    return (Ints)_mm512_dpbusd_epi32((__m512i)sums, _mm512_set1_epi32(group), load<__m512i>(weights));
#elif defined(__AVXVNNI__)
    return (Ints)_mm256_dpbusd_avx_epi32((__m256i)sums, _mm256_set1_epi32(group), load<__m256i>(weights));
#elif defined(__AVX2__)
    const __m256i wide = _mm256_cvtepi8_epi16(load<__m128i>(weights));
    return sums + (Ints)_mm256_madd_epi16(wide, _mm256_set1_epi32(group));
#elif defined(__ARM_FEATURE_DOTPROD)
    return (Ints)vdotq_s32((int32x4_t)sums, load<int8x16_t>(weights), vreinterpretq_s8_s32(vdupq_n_s32(group)));
#else
    typedef int8_t Bytes __attribute__((vector_size(LANES)));
    return sums + __builtin_convertvector(load<Bytes>(weights), Ints) * group;
#endif
}

// e^x, relative error below 1e-6 near 0; what would underflow becomes about 1e-38.
inline Floats exponential(Floats x) {
    const Floats scaled = larger(x, all(-87.0f)) * 1.44269504f;
    const Floats magic = all(12582912.0f);  // 1.5 * 2^23: adding it rounds to the nearest integer
    const Floats shifted = scaled + magic;
    const Floats rest = scaled - (shifted - magic);
    Floats y = all(0.0013266970636323094f);
    for (float c : {0.009675459936261177f, 0.05550742521882057f, 0.24022121727466583f, 0.6931469440460205f, 1.0f})
        y = y * rest + c;
    return (Floats)((Ints)y + (((Ints)shifted - (Ints)magic) << 23));
}

// x * Phi(x), the exact (erf) GELU, absolute error below 2e-6: x * (1/2 + x P(x^2)), P fitted by minimax to
// erf(x / sqrt 2) / 2x for |x| <= 5.4, in powers of 2 x^2 / 5.4^2 - 1.
inline Floats gelu(Floats x) {
    const Floats near = smaller(larger(x, all(-5.4f)), all(5.4f));
    const Floats at = near * near * (2 / (5.4f * 5.4f)) - 1.0f;
    Floats y = all(-0.0006932443357072771f);
    for (float c : {0.0020187352783977985f, -0.0021310041192919016f, 0.0023765393998473883f, -0.00570289371535182f,
                    0.010346485301852226f, -0.014477292075753212f, 0.01945781335234642f, -0.025621622800827026f,
                    0.03213959559798241f, -0.039219558238983154f, 0.048498596996068954f, -0.06532768905162811f,
                    0.13092811405658722f})
        y = y * at + c;
    return x * (0.5f + near * y);
}

}  // namespace tamis
