// How the elements of a batch fall into channels.
#ifndef NORMD_CORE_TENSOR_CHANNEL_LAYOUT_H_
#define NORMD_CORE_TENSOR_CHANNEL_LAYOUT_H_

#include <cstdint>

namespace normd {

// A row-major tensor seen as [outer, channels, inner]: `outer` is the product of the dimensions
// before the channel axis, `inner` of those after it. Channels-last data has inner = 1; one image
// [C, H, W] has outer = 1 and inner = H * W.
struct ChannelLayout {
  int64_t outer = 0;
  int64_t channels = 0;
  int64_t inner = 1;

  int64_t values_per_channel() const { return outer * inner; }
  int64_t size() const { return outer * channels * inner; }

  // Its spans of neighboring elements that are treated alike: the channels of one position of
  // channels-last data, and else the plane of one channel.
  int64_t span_size() const { return inner == 1 ? channels : inner; }
  int64_t spans() const { return inner == 1 ? outer : outer * channels; }
};

}  // namespace normd

#endif  // NORMD_CORE_TENSOR_CHANNEL_LAYOUT_H_
