// Full attention within one sequence, head by head, in float32: two products with a softmax between.
#pragma once

#include "linear.h"

namespace tamis {

// Keys as panels of columns, values as panels of rows, for one head of one sequence at a time.
struct Attention {
    static constexpr int BLOCK = 24;  // queries at once: their scores stay in the nearest cache

    int head, width;  // of one head, as it is and filled up
    std::vector<float> keys, values, scores, mixed;

    Attention(int longest, int head)
        : head(head), width(filled(head)), keys(size_t(filled(longest)) * head), values(size_t(longest) * width),
          scores(size_t(BLOCK) * filled(longest)), mixed(size_t(BLOCK) * width) {}

    // `query`, `key`, `value`: the first token's row of this head; rows are `stride` apart. Writes `head` numbers a row.
    void run(const float* query, const float* key, const float* value, int stride, int tokens, float* out,
             int out_stride) {
        const int columns = filled(tokens);
        pack(key, value, stride, tokens, columns);
        for (int first = 0; first < tokens; first += BLOCK) {
            const int rows = std::min(BLOCK, tokens - first);
            multiply(FloatTile<Finish::plain>{query + size_t(first) * stride, stride, keys.data(), head, nullptr,
                                              scores.data(), columns},
                     rows, columns);
            float sums[BLOCK];
            for (int r = 0; r < rows; ++r) sums[r] = softmax(scores.data() + size_t(r) * columns, tokens, columns);
            multiply(FloatTile<Finish::plain>{scores.data(), columns, values.data(), tokens, nullptr, mixed.data(),
                                              width},
                     rows, width);
            for (int r = 0; r < rows; ++r)
                for (int d = 0; d < head; ++d)
                    out[size_t(first + r) * out_stride + d] = mixed[size_t(r) * width + d] / sums[r];
        }
    }

private:
    void pack(const float* key, const float* value, int stride, int tokens, int columns) {
        const float scale = 1 / std::sqrt(float(head));
        for (int token = 0; token < tokens; ++token) {
            const int panel = token / (LANES * VECTORS) * (LANES * VECTORS), step = panel_width(panel, columns);
            float* to = keys.data() + panel_start(panel, head) + (token - panel);
            for (int d = 0; d < head; ++d) to[size_t(d) * step] = key[size_t(token) * stride + d] * scale;
        }
        for (int panel = 0; panel < width; panel += LANES * VECTORS) {
            const int step = panel_width(panel, width), used = std::min(step, head - panel);
            float* to = values.data() + panel_start(panel, tokens);
            for (int token = 0; token < tokens; ++token)
                for (int d = 0; d < used; ++d) to[size_t(token) * step + d] = value[size_t(token) * stride + panel + d];
        }
    }

    // exp(score - highest) in place, not yet divided by the sum, which is returned.
    static float softmax(float* row, int tokens, int columns) {
        std::fill(row + tokens, row + columns, -1e30f);
        Floats top = load<Floats>(row);
        for (int i = LANES; i < columns; i += LANES) top = larger(top, load<Floats>(row + i));
        const float most = highest(top);
        Floats total = {};
        for (int i = 0; i < columns; i += LANES) {
            const Floats value = exponential(load<Floats>(row + i) - most);
            store(row + i, value);
            total += value;
        }
        return sum(total);
    }
};

}  // namespace tamis
