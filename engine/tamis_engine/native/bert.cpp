// The BERT encoder over sequences laid end to end, without padding: post-norm blocks, learned positions, erf GELU.
// Sequences are shared out to threads in groups, each of which goes through all layers: nothing waits in between,
// and no number depends on how many threads there are or on which sequences stand side by side.

#include <atomic>
#include <chrono>
#include <memory>
#include <new>
#include <system_error>
#include <thread>

#include "attention.h"
#include "cpu.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace tamis {
namespace {

constexpr int GROUP_TOKENS = 128;  // about what stays in a core's second cache
constexpr int BLOCK = 48;          // rows that go through the wide layer at once, for the same reason

struct Shape {
    int32_t vocabulary, positions, types, hidden, heads, wide, layers, half, int8;
    float epsilon;
};

// An embedding table that the caller keeps alive: float32, or float16 where `half`.
struct Table {
    const void* data;
    bool half;
    int width;

    void add(int index, float* to) const {
        const size_t start = size_t(index) * width;
        for (int i = 0; i < width; ++i)
            to[i] += half ? widened(static_cast<const uint16_t*>(data)[start + i])
                          : static_cast<const float*>(data)[start + i];
    }

    static float widened(uint16_t bits) {
        const uint32_t sign = uint32_t(bits & 0x8000u) << 16;
        const float size = load_bits(uint32_t(bits & 0x7fffu) << 13) * 0x1p112f;
        return (bits & 0x7c00u) == 0x7c00u ? load_bits(sign | 0x7f800000u | uint32_t(bits & 0x3ffu) << 13)
                                           : (sign ? -size : size);
    }

    static float load_bits(uint32_t bits) { return load<float>(&bits); }
};

struct Norm {
    std::vector<float> weight, bias;

    void set(const float* w, const float* b, int width) {
        weight.assign(filled(width), 0);
        bias.assign(filled(width), 0);
        std::copy(w, w + width, weight.begin());
        std::copy(b, b + width, bias.begin());
    }

    void apply(float* row, int width, float epsilon) const {
        const int all_of_it = int(weight.size());
        Floats total = {}, squares = {};
        for (int i = 0; i < all_of_it; i += LANES) total += load<Floats>(row + i);
        const float mean = sum(total) / width;
        for (int i = 0; i < all_of_it; i += LANES) {
            const Floats away = load<Floats>(row + i) - mean;
            squares += away * away;
        }
        const float spread = std::max(sum(squares) - float(all_of_it - width) * mean * mean, 0.0f) / width;
        const float inverse = 1 / std::sqrt(spread + epsilon);
        for (int i = 0; i < all_of_it; i += LANES)
            store(row + i, (load<Floats>(row + i) - mean) * inverse * load<Floats>(weight.data() + i) +
                               load<Floats>(bias.data() + i));
    }
};

struct Layer {
    Linear query_key_value, output, up, down;
    Norm after_attention, after_wide;
};

struct Group {
    int first, sequences, start, tokens, longest;
};

struct Bert {
    Shape shape;
    Table words, places, kinds;
    Norm norm;
    std::vector<Layer> layers;

    void states(const int32_t* ids, const int32_t* types, const int32_t* lengths, const Group& group,
                float* out) const {
        const int width = filled(shape.hidden), tokens = group.tokens;
        Rows x(tokens, width, shape.int8), context(tokens, width, shape.int8);
        Rows wide(std::min(tokens, BLOCK), filled(shape.wide), shape.int8);
        std::vector<float> mixed(size_t(tokens) * 3 * width);
        Attention attention(group.longest, shape.hidden / shape.heads);
        embed(ids + group.start, types ? types + group.start : nullptr, lengths + group.first, group, x);
        for (const Layer& layer : layers) {
            apply<Finish::plain>(layer.query_key_value, x, 0, tokens, mixed.data(), 3 * width);
            attend(lengths + group.first, group, attention, mixed.data(), context);
            context.ready(0, tokens);
            apply<Finish::add>(layer.output, context, 0, tokens, x.row(0), width);
            settle(layer.after_attention, x, 0, tokens);
            for (int first = 0; first < tokens; first += BLOCK)
                widen(layer, x, first, std::min(BLOCK, tokens - first), wide);
        }
        for (int token = 0; token < tokens; ++token)
            std::copy_n(x.row(token), shape.hidden, out + size_t(group.start + token) * shape.hidden);
    }

private:
    void embed(const int32_t* ids, const int32_t* types, const int32_t* lengths, const Group& group, Rows& x) const {
        int token = 0;
        for (int sequence = 0; sequence < group.sequences; ++sequence)
            for (int place = 0; place < lengths[sequence]; ++place, ++token) {
                words.add(ids[token], x.row(token));
                kinds.add(types ? types[token] : 0, x.row(token));
                places.add(place, x.row(token));
            }
        settle(norm, x, 0, group.tokens);
    }

    void attend(const int32_t* lengths, const Group& group, Attention& attention, const float* mixed,
                Rows& context) const {
        const int width = context.width, head = attention.head;
        int start = 0;
        for (int sequence = 0; sequence < group.sequences; start += lengths[sequence++])
            for (int at = 0; at < shape.hidden; at += head) {
                const float* query = mixed + size_t(start) * 3 * width + at;
                attention.run(query, query + width, query + 2 * width, 3 * width, lengths[sequence],
                              context.row(start) + at, width);
            }
    }

    void widen(const Layer& layer, Rows& x, int first, int rows, Rows& wide) const {
        apply<Finish::gelu>(layer.up, x, first, rows, wide.row(0), wide.width);
        wide.ready(0, rows);
        apply<Finish::add>(layer.down, wide, 0, rows, x.row(first), x.width);
        settle(layer.after_wide, x, first, rows);
    }

    void settle(const Norm& with, Rows& x, int first, int rows) const {
        for (int row = first; row < first + rows; ++row) with.apply(x.row(row), shape.hidden, shape.epsilon);
        x.ready(first, rows);
    }
};

// Neighbouring sequences, as many as make `most` tokens; a longer one is a group of its own.
std::vector<Group> groups(const int32_t* lengths, int sequences, int most) {
    std::vector<Group> found;
    int start = 0;
    for (int sequence = 0; sequence < sequences; start += lengths[sequence++]) {
        if (found.empty() || found.back().tokens + lengths[sequence] > most)
            found.push_back({sequence, 0, start, 0, 0});
        Group& last = found.back();
        last.sequences += 1;
        last.tokens += lengths[sequence];
        last.longest = std::max(last.longest, lengths[sequence]);
    }
    return found;
}

// Calls `work(index)` for each index below `count`, on at most `threads` threads, this one among them. False where
// memory ran out. Threads that the system refuses are not missed: the others take their share.
template <class Work> bool share_out(int count, int threads, const Work& work) {
    std::atomic<int> next{0};
    std::atomic<bool> well{true};
    const auto run = [&]() noexcept {
        try {
            for (int index; well && (index = next++) < count;) work(index);
        } catch (const std::bad_alloc&) {
            well = false;
        }
    };
    std::vector<std::thread> others;
    try {
        for (int extra = std::min(threads, count) - 1; extra > 0; --extra) others.emplace_back(run);
    } catch (const std::system_error&) {
    }
    run();
    for (std::thread& other : others) other.join();
    return well;
}

enum Answer : int { done = 0, bad_id = 1, bad_length = 2, no_memory = 3 };

Answer check(const Shape& shape, const int32_t* ids, const int32_t* types, const int32_t* lengths, int sequences) {
    int tokens = 0;
    for (int sequence = 0; sequence < sequences; ++sequence) {
        if (lengths[sequence] < 1 || lengths[sequence] > shape.positions) return bad_length;
        tokens += lengths[sequence];
    }
    for (int token = 0; token < tokens; ++token)
        if (ids[token] < 0 || ids[token] >= shape.vocabulary ||
            (types && (types[token] < 0 || types[token] >= shape.types)))
            return bad_id;
    return done;
}

void fill(Linear& layer, int first, const float* weights, const float* bias, int depth, int columns) {
    for (int column = 0; column < columns; ++column)
        layer.set(first + column, weights + size_t(column) * depth, depth, bias[column]);
}

}  // namespace
}  // namespace tamis

using namespace tamis;

// A fingerprint of the sources, given by the build.
EXPORT const char* tamis_sources() { return TAMIS_SOURCES; }

// What this processor can run, the best first.
EXPORT const char* tamis_levels() { return levels(); }

// Null where memory ran out. The tables must outlive the model; layers are added one by one.
EXPORT void* tamis_bert_new(const Shape* shape, const void* words, const void* places, const void* kinds,
                            const float* norm_weight, const float* norm_bias) {
    try {
        auto model = std::make_unique<Bert>();
        model->shape = *shape;
        const bool half = shape->half;
        model->words = {words, half, shape->hidden};
        model->places = {places, half, shape->hidden};
        model->kinds = {kinds, half, shape->hidden};
        model->norm.set(norm_weight, norm_bias, shape->hidden);
        model->layers.reserve(shape->layers);
        return model.release();
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

// Weights and biases in turn: query, key, value, output, its norm, up, down, the norm after it.
EXPORT int tamis_bert_layer(void* handle, const float* const* tensors) {
    Bert& model = *static_cast<Bert*>(handle);
    const int hidden = model.shape.hidden, wide = model.shape.wide, width = filled(hidden);
    const bool int8 = model.shape.int8;
    try {
        Layer layer;
        layer.query_key_value.reserve(hidden, 3 * width, int8);
        for (int part = 0; part < 3; ++part)
            fill(layer.query_key_value, part * width, tensors[2 * part], tensors[2 * part + 1], hidden, hidden);
        layer.output.reserve(hidden, width, int8);
        fill(layer.output, 0, tensors[6], tensors[7], hidden, hidden);
        layer.after_attention.set(tensors[8], tensors[9], hidden);
        layer.up.reserve(hidden, filled(wide), int8);
        fill(layer.up, 0, tensors[10], tensors[11], hidden, wide);
        layer.down.reserve(wide, width, int8);
        fill(layer.down, 0, tensors[12], tensors[13], wide, hidden);
        layer.after_wide.set(tensors[14], tensors[15], hidden);
        model.layers.push_back(std::move(layer));
        return done;
    } catch (const std::bad_alloc&) {
        return no_memory;
    }
}

// Of the layers; the tables belong to the caller.
EXPORT uint64_t tamis_bert_bytes(const void* handle) {
    uint64_t bytes = 0;
    for (const Layer& layer : static_cast<const Bert*>(handle)->layers)
        bytes += layer.query_key_value.size() + layer.output.size() + layer.up.size() + layer.down.size();
    return bytes;
}

// The last layer's states, (tokens, hidden) float32, into `out`. `types` may be null: all 0. Any number of threads
// may call at once.
EXPORT int tamis_bert_states(const void* handle, const int32_t* ids, const int32_t* types, const int32_t* lengths,
                             int sequences, int threads, float* out) {
    const Bert& model = *static_cast<const Bert*>(handle);
    if (const Answer wrong = check(model.shape, ids, types, lengths, sequences)) return wrong;
    try {
        int tokens = 0;
        for (int sequence = 0; sequence < sequences; ++sequence) tokens += lengths[sequence];
        const int share = std::max(16, std::min(GROUP_TOKENS, tokens / std::max(threads, 1)));
        const std::vector<Group> parts = groups(lengths, sequences, share);
        const auto work = [&](int part) { model.states(ids, types, lengths, parts[part], out); };
        return share_out(int(parts.size()), threads, work) ? done : no_memory;
    } catch (const std::bad_alloc&) {
        return no_memory;
    }
}

EXPORT void tamis_bert_free(void* handle) { delete static_cast<Bert*>(handle); }

// Billions of multiplications and additions a second of the bare matrix product, for benchmarks.
EXPORT double tamis_rate(int rows, int depth, int columns, int int8, int threads, double seconds) {
    Linear layer;
    layer.reserve(depth, filled(columns), int8);
    const std::vector<float> weights(depth, 0.5f);
    for (int column = 0; column < columns; ++column) layer.set(column, weights.data(), depth, 0);
    std::atomic<long> products{0};
    const auto start = std::chrono::steady_clock::now();
    const auto spent = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
    share_out(threads, threads, [&](int) {
        Rows in(rows, layer.inputs, int8);
        std::vector<float> out(size_t(rows) * layer.outputs);
        in.ready(0, rows);
        for (; spent() < seconds; ++products) apply<Finish::plain>(layer, in, 0, rows, out.data(), layer.outputs);
    });
    return double(products) * 2 * rows * depth * columns / spent() / 1e9;
}
