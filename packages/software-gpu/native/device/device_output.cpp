#include <algorithm>
#include <iterator>

#include "vgpu/software_gpu/device_runtime.h"

namespace vgpu::software {

void DeviceOutput::begin(std::uint64_t capacity) {
  const std::lock_guard lock(mutex_);
  capacity_ = capacity;
  used_ = 0;
  records_.clear();
}

void DeviceOutput::write(std::uint64_t block, Stream stream, std::string text) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t bytes = kRecordBytes + text.size();
  if (bytes > capacity_) return;
  while (used_ + bytes > capacity_) {
    used_ -= kRecordBytes + records_.front().text.text.size();
    records_.pop_front();
  }
  used_ += bytes;
  records_.push_back({block, {stream, std::move(text)}});
}

std::vector<DeviceOutput::Text> DeviceOutput::take() {
  const std::lock_guard lock(mutex_);
  std::ranges::stable_sort(records_, {}, &Record::block);
  std::vector<Text> texts;
  for (Record& record : records_) {
    if (!texts.empty() && texts.back().stream == record.text.stream) {
      texts.back().text += record.text.text;
    } else {
      texts.push_back(std::move(record.text));
    }
  }
  records_.clear();
  used_ = 0;
  return texts;
}

}  // namespace vgpu::software
