// Products of matrices on several threads, from the tiles of product.inc; a part of operations.cc. Letters: M/K/N sizes of a product.
#pragma once

/** Numbers of a product's depth that are multiplied at a time, and panels of the larger factor, so that they stay in the cache. */
constexpr int64_t DEPTH = 512, BLOCK_PANELS = 4;

/** A factor of a product: where it is, and floats between its rows (of the second, columns) and between the numbers of one. */
struct Factor {
  const float* data;
  int64_t row, step;
};

const RunTasks alone = [](long count, const std::function<void(long)>& task) {
  for (long i = 0; i < count; i++) task(i);
};

/** Floats of the memory that {@link multiplyMatrices} takes. */
int64_t panelFloats(int64_t M, int64_t K, int64_t N) {
  const int64_t least = std::min(M, N), widest = std::max(kernels().tileRows, kernels().tileColumns);
  return (least + widest) * std::min(K, DEPTH);
}

/**
 * c [M, N] = a·b + row [N] + matrix [M, N], on as many threads as help. The smaller factor is copied to panels once, for all;
 * each thread copies its own of the larger. Each number is computed in one order, however many threads there are.
 *
 * @param row, matrix - null for nothing
 * @param panels - memory for {@link panelFloats} numbers
 */
void multiplyMatrices(int64_t M, int64_t K, int64_t N, const Factor& a, const Factor& b, const float* row,
                      const float* matrix, float* c, float* panels, const RunTasks& runTasks) {
  const Kernels& set = kernels();
  const int64_t height = set.tileRows, width = set.tileColumns;
  const int64_t rowPanels = (M + height - 1) / height, columnPanels = (N + width - 1) / width;
  const bool isWide = N > M;
  const int64_t shared = isWide ? rowPanels : columnPanels, others = isWide ? columnPanels : rowPanels;
  const int64_t sharedSize = isWide ? height : width, otherSize = isWide ? width : height;
  // As many blocks as keep all threads busy.
  const int64_t most = 4 * team().size();
  const int64_t inBlock = std::max<int64_t>(1, std::min<int64_t>(BLOCK_PANELS, others / most));
  const int64_t blocks = (others + inBlock - 1) / inBlock, parts = std::min(shared, most);
  for (int64_t k = 0; k < K; k += DEPTH) {
    const int64_t depth = std::min(DEPTH, K - k);
    const auto copy = [&](bool isOfRows, int64_t panel, float* to) {
      const Factor& from = isOfRows ? a : b;
      const int64_t first = panel * (isOfRows ? height : width), count = (isOfRows ? M : N) - first;
      const auto copyPanel = isOfRows ? set.copyRows : set.copyColumns;
      copyPanel(from.data + first * from.row + k * from.step, from.row, from.step, count, depth, to);
    };
    runTasks(parts, [&](long part) {
      for (int64_t panel = shared * part / parts, end = shared * (part + 1) / parts; panel < end; panel++)
        copy(isWide, panel, panels + panel * sharedSize * depth);
    });
    runTasks(blocks, [&](long block) {
      const int64_t from = block * inBlock, to = std::min(others, from + inBlock), size = otherSize * depth;
      float* const own = scratch(inBlock * size);
      for (int64_t other = from; other < to; other++) copy(!isWide, other, own + (other - from) * size);
      for (int64_t panel = 0; panel < shared; panel++)
        for (int64_t other = from; other < to; other++) {
          const int64_t top = (isWide ? panel : other) * height, left = (isWide ? other : panel) * width;
          const float *ofShared = panels + panel * sharedSize * depth, *ofOther = own + (other - from) * size;
          set.productTile(depth, isWide ? ofShared : ofOther, isWide ? ofOther : ofShared, c + top * N + left, N, k > 0,
                          row ? row + left : nullptr, matrix ? matrix + top * N + left : nullptr, M - top, N - left);
        }
    });
  }
}
