// Matrix products over rows: float32, or int8 weights (a scale a column) times 8-bit rows (a scale a row).
// Rows and columns are filled up with zeros to a multiple of 16, so nothing here knows about remainders.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "simd.h"

namespace tamis {

inline int filled(int width) { return (width + 15) / 16 * 16; }

// A row of activations is  scale * q + lowest  element by element.
struct Quantised {
    std::vector<Activation> q;
    std::vector<float> scale, lowest;
    int width = 0;

    Quantised(int rows, int width) : q(size_t(rows) * width), scale(rows), lowest(rows), width(width) {}

    void set(int row, const float* x) {
        Floats low = load<Floats>(x), high = low;
        for (int i = LANES; i < width; i += LANES) {
            low = smaller(low, load<Floats>(x + i));
            high = larger(high, load<Floats>(x + i));
        }
        const float bottom = -highest(-low), step = (highest(high) - bottom) / 255;
        const float inverse = step > 1e-30f ? 1 / step : 0;
        Activation* to = q.data() + size_t(row) * width;
        for (int i = 0; i < width; i += LANES) {
            const Floats level = (load<Floats>(x + i) - bottom) * inverse + 0.5f;
            store(to + i, __builtin_convertvector(__builtin_convertvector(level, Ints) - SHIFT, Narrow));
        }
        scale[row] = step;
        lowest[row] = bottom + SHIFT * step;
    }
};

// A tile computes ROWS rows times COLUMNS vectors of columns: `run(row, column)`. Larger tiles reuse each loaded
// weight more often; the widest that fit the registers are 6 x 4 and 12 x 2 vectors.
template <int COLUMNS, class Tile> void all_rows(const Tile& tile, int rows, int column) {
    int row = 0;
    if constexpr (WIDE && COLUMNS <= 2)
        for (; row + 12 <= rows; row += 12) tile.template run<12, COLUMNS>(row, column);
    for (; row + 6 <= rows; row += 6) tile.template run<6, COLUMNS>(row, column);
    for (; row + 4 <= rows; row += 4) tile.template run<4, COLUMNS>(row, column);
    for (; row + 2 <= rows; row += 2) tile.template run<2, COLUMNS>(row, column);
    for (; row < rows; ++row) tile.template run<1, COLUMNS>(row, column);
}

template <class Tile> void multiply(const Tile& tile, int rows, int columns) {
    constexpr int PANEL = LANES * VECTORS;
    int column = 0;
    for (; column + PANEL <= columns; column += PANEL) all_rows<VECTORS>(tile, rows, column);
    const int left = (columns - column) / LANES;
    if (left == 3) all_rows<3>(tile, rows, column);
    if (left == 2) all_rows<2>(tile, rows, column);
    if (left == 1) all_rows<1>(tile, rows, column);
}

// Where column `column` of a (depth, columns) matrix begins once it is cut into panels: each lies row by row.
inline size_t panel_start(int column, int depth) { return size_t(column) * depth; }

inline int panel_width(int column, int columns) { return std::min(LANES * VECTORS, columns - column); }

enum class Finish { plain, gelu, add };

template <Finish FINISH> inline void finish(float* out, Floats value) {
    if constexpr (FINISH == Finish::gelu) value = gelu(value);
    if constexpr (FINISH == Finish::add) value += load<Floats>(out);
    store(out, value);
}

// rows (rows, stride) times panels of (depth, columns), plus a bias a column if there is one.
template <Finish FINISH> struct FloatTile {
    const float* rows;
    int stride;
    const float* panels;
    int depth;
    const float* bias;
    float* out;
    int out_stride;

    template <int ROWS, int COLUMNS> void run(int row, int column) const {
        const float* from = rows + size_t(row) * stride;
        const float* weights = panels + panel_start(column, depth);
        Floats sums[ROWS][COLUMNS] = {};
        for (int k = 0; k < depth; ++k, weights += COLUMNS * LANES)
            for (int r = 0; r < ROWS; ++r)
                for (int c = 0; c < COLUMNS; ++c)
                    sums[r][c] += from[size_t(r) * stride + k] * load<Floats>(weights + c * LANES);
        for (int r = 0; r < ROWS; ++r)
            for (int c = 0; c < COLUMNS; ++c) {
                const int at = column + c * LANES;
                const Floats value = bias ? sums[r][c] + load<Floats>(bias + at) : sums[r][c];
                finish<FINISH>(out + size_t(row + r) * out_stride + at, value);
            }
    }
};

// A linear layer as it lies in memory: panels of (inputs, outputs), in float32 or in int8 with a scale a column.
struct Linear {
    int inputs = 0, outputs = 0;
    std::vector<float> floats, bias, scale, total;  // total: of a column's weights, for the rows' `lowest`
    std::vector<int8_t> bytes;

    size_t size() const { return (floats.size() + bias.size() + scale.size() + total.size()) * 4 + bytes.size(); }

    void reserve(int depth, int columns, bool int8) {
        inputs = filled(depth);
        outputs = columns;
        bias.assign(columns, 0);
        if (int8) {
            bytes.assign(size_t(inputs) * columns, 0);
            scale.assign(columns, 0);
            total.assign(columns, 0);
        } else {
            floats.assign(size_t(inputs) * columns, 0);
        }
    }

    // Output `column` from a row of torch's (outputs, inputs) matrix.
    void set(int column, const float* weights, int depth, float offset) {
        const int panel = column / (LANES * VECTORS) * (LANES * VECTORS), width = panel_width(panel, outputs);
        bias[column] = offset;
        if (bytes.empty()) {
            float* to = floats.data() + panel_start(panel, inputs) + (column - panel);
            for (int k = 0; k < depth; ++k) to[size_t(k) * width] = weights[k];
            return;
        }
        float largest = 0;
        for (int k = 0; k < depth; ++k) largest = std::max(largest, std::fabs(weights[k]));
        const float step = largest / 127;
        int8_t* to = bytes.data() + panel_start(panel, inputs) + size_t(column - panel) * GROUP;
        int sum = 0;
        for (int k = 0; k < depth; ++k) {
            const int level = step > 1e-30f ? int(std::lrint(weights[k] / step)) : 0;
            to[size_t(k / GROUP) * width * GROUP + k % GROUP] = int8_t(level);
            sum += level;
        }
        scale[column] = step;
        total[column] = step * float(sum);
    }
};

template <Finish FINISH> struct ByteTile {
    const Activation* rows;
    const float *row_scale, *row_lowest;
    const Linear& layer;
    float* out;
    int out_stride;

    template <int ROWS, int COLUMNS> void run(int row, int column) const {
        const Activation* from = rows + size_t(row) * layer.inputs;
        const int8_t* weights = layer.bytes.data() + panel_start(column, layer.inputs);
        Ints sums[ROWS][COLUMNS] = {};
        for (int k = 0; k < layer.inputs; k += GROUP, weights += COLUMNS * LANES * GROUP)
            for (int r = 0; r < ROWS; ++r)
                for (int c = 0; c < COLUMNS; ++c)
                    sums[r][c] = dot(sums[r][c], weights + c * LANES * GROUP, from + size_t(r) * layer.inputs + k);
        for (int c = 0; c < COLUMNS; ++c) {
            const int at = column + c * LANES;
            const Floats scale = load<Floats>(layer.scale.data() + at), total = load<Floats>(layer.total.data() + at);
            const Floats bias = load<Floats>(layer.bias.data() + at);
            for (int r = 0; r < ROWS; ++r) {
                const Floats value = __builtin_convertvector(sums[r][c], Floats) * (scale * row_scale[row + r]);
                finish<FINISH>(out + size_t(row + r) * out_stride + at, value + (total * row_lowest[row + r] + bias));
            }
        }
    }
};

// Rows in the form that a layer reads: as they are, or quantised as they come.
struct Rows {
    std::vector<float> values;
    Quantised quantised;
    int width;
    bool int8;

    Rows(int rows, int width, bool int8)
        : values(size_t(rows) * width), quantised(int8 ? rows : 0, width), width(width), int8(int8) {}

    float* row(int at) { return values.data() + size_t(at) * width; }

    void ready(int first, int count) {
        if (int8)
            for (int at = first; at < first + count; ++at) quantised.set(at, row(at));
    }
};

// out = layer(rows `first` to `first + count`), or gelu of it, or added to what stands there.
template <Finish FINISH>
void apply(const Linear& layer, const Rows& from, int first, int count, float* out, int out_stride) {
    const size_t start = size_t(first) * from.width;
    const Quantised& quantised = from.quantised;
    if (from.int8)
        multiply(ByteTile<FINISH>{quantised.q.data() + start, quantised.scale.data() + first,
                                  quantised.lowest.data() + first, layer, out, out_stride},
                 count, layer.outputs);
    else
        multiply(FloatTile<FINISH>{from.values.data() + start, from.width, layer.floats.data(), layer.inputs,
                                   layer.bias.data(), out, out_stride},
                 count, layer.outputs);
}

}  // namespace tamis
