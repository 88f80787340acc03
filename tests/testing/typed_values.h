// Numbers as elements of any type, at any address, as in a message.
#ifndef NORMD_TESTS_TESTING_TYPED_VALUES_H_
#define NORMD_TESTS_TESTING_TYPED_VALUES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "core/kernels/element_conversion.h"
#include "core/tensor/element_type.h"

namespace normd::testing {

inline constexpr ElementType kElementTypes[] = {ElementType::kFloat32, ElementType::kFloat64,
                                                ElementType::kFloat16, ElementType::kBFloat16};

inline std::string NameOf(ElementType type) {
  static constexpr const char* kNames[] = {"float32", "float64", "float16", "bfloat16"};
  return kNames[static_cast<int>(type)];
}

class TypedValues {
 public:
  // Zeros.
  TypedValues(ElementType type, int64_t size, int offset = 0)
      : type_(type), size_(size), offset_(offset), bytes_(offset + size * SizeOf(type)) {}

  // Rounded to the type.
  TypedValues(ElementType type, const std::vector<double>& values, int offset = 0)
      : TypedValues(type, static_cast<int64_t>(values.size()), offset) {
    VisitElementType(type, [&]<typename T>(ElementTag<T>) {
      for (int64_t i = 0; i < size_; ++i) kernels::StoreElement(values[i], data().As<T>() + i);
    });
  }

  ElementType type() const { return type_; }
  int64_t size() const { return size_; }
  Elements data() { return {type_, bytes_.data() + offset_}; }
  ConstElements data() const { return {type_, bytes_.data() + offset_}; }

  // Exactly.
  std::vector<double> values() const {
    std::vector<double> result;
    VisitElementType(type_, [&]<typename T>(ElementTag<T>) {
      for (int64_t i = 0; i < size_; ++i) {
        result.push_back(kernels::LoadElement(data().As<T>() + i));
      }
    });
    return result;
  }

  // Without what the offset left over.
  std::string bytes() const { return std::string(bytes_.begin() + offset_, bytes_.end()); }

 private:
  ElementType type_;
  int64_t size_;
  int offset_;
  std::vector<char> bytes_;
};

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_TYPED_VALUES_H_
