// The types of a tensor's elements, and the one switch on them.
#ifndef NORMD_CORE_TENSOR_ELEMENT_TYPE_H_
#define NORMD_CORE_TENSOR_ELEMENT_TYPE_H_

#include <cstdint>
#include <cstdlib>

namespace normd {

enum class ElementType { kFloat32, kFloat64, kFloat16, kBFloat16 };

// What C++20 has no type for: IEEE 754 binary16, and the upper half of binary32.
struct Float16 {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};

template <typename T>
constexpr ElementType ElementTypeOf();
template <>
constexpr ElementType ElementTypeOf<float>() {
  return ElementType::kFloat32;
}
template <>
constexpr ElementType ElementTypeOf<double>() {
  return ElementType::kFloat64;
}
template <>
constexpr ElementType ElementTypeOf<Float16>() {
  return ElementType::kFloat16;
}
template <>
constexpr ElementType ElementTypeOf<BFloat16>() {
  return ElementType::kBFloat16;
}

// Stands for an element type where it must be deduced.
template <typename T>
struct ElementTag {
  using Type = T;
};

// Calls `visitor` with the ElementTag of float, double, Float16 or BFloat16.
template <typename Visitor>
decltype(auto) VisitElementType(ElementType type, const Visitor& visitor) {
  switch (type) {
    case ElementType::kFloat32:
      return visitor(ElementTag<float>());
    case ElementType::kFloat64:
      return visitor(ElementTag<double>());
    case ElementType::kFloat16:
      return visitor(ElementTag<Float16>());
    case ElementType::kBFloat16:
      return visitor(ElementTag<BFloat16>());
  }
  std::abort();  // no such type
}

// Calls `visitor` with the tags of two types.
template <typename Visitor>
decltype(auto) VisitElementTypes(ElementType first, ElementType second, const Visitor& visitor) {
  return VisitElementType(first, [&](auto first_tag) -> decltype(auto) {
    return VisitElementType(
        second, [&](auto second_tag) -> decltype(auto) { return visitor(first_tag, second_tag); });
  });
}

// Bytes of one element.
inline int64_t SizeOf(ElementType type) {
  return VisitElementType(type,
                          [](auto tag) -> int64_t { return sizeof(typename decltype(tag)::Type); });
}

// Elements of one type, one after the other, at any address. Does not own them.
struct ConstElements {
  ElementType type = ElementType::kFloat32;
  const void* data = nullptr;

  ConstElements() = default;
  ConstElements(ElementType type, const void* data) : type(type), data(data) {}
  template <typename T>
  ConstElements(const T* data)  // NOLINT(google-explicit-constructor)
      : type(ElementTypeOf<T>()), data(data) {}

  template <typename T>
  const T* As() const {
    return static_cast<const T*>(data);
  }
  // From element `i` on.
  ConstElements From(int64_t i) const {
    return {type, static_cast<const char*>(data) + i * SizeOf(type)};
  }
};

// The same, to be written to.
struct Elements {
  ElementType type = ElementType::kFloat32;
  void* data = nullptr;

  Elements() = default;
  Elements(ElementType type, void* data) : type(type), data(data) {}
  template <typename T>
  Elements(T* data)  // NOLINT(google-explicit-constructor)
      : type(ElementTypeOf<T>()), data(data) {}
  operator ConstElements() const { return {type, data}; }  // NOLINT(google-explicit-constructor)

  template <typename T>
  T* As() const {
    return static_cast<T*>(data);
  }
  Elements From(int64_t i) const { return {type, static_cast<char*>(data) + i * SizeOf(type)}; }
};

}  // namespace normd

#endif  // NORMD_CORE_TENSOR_ELEMENT_TYPE_H_
