// SPDX-License-Identifier: GPL-3.0-or-later
// Frames on a stream: 4 bytes little-endian length, then that many bytes of CBOR (RFC 8949) holding one Message.
// FrameReader is for the engine's non-blocking side; FrameChannel for the child's blocking side (descriptor 3).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/file.h"
#include "core/launch/messages.h"

namespace ratchet {

inline constexpr std::size_t maxFrameBytes = std::size_t(64) << 20;

[[nodiscard]] std::string encodeFrame(const Message& message);

// Collects bytes and hands out whole frames. One thread.
class FrameReader {
public:
    void append(std::string_view bytes);
    // Empty when no whole frame is there yet; BadInput when the stream is nonsense (the reader is then useless).
    [[nodiscard]] Result<std::optional<Message>> next();
private:
    std::string m_buffer;
    std::size_t m_begin = 0;   // bytes of m_buffer that were handed out already
};

// The child's end of the socket pair. send() may be called from any thread; receive() from one.
class FrameChannel {
public:
    explicit FrameChannel(int fd = 3);
    ~FrameChannel();
    [[nodiscard]] Status send(const Message& message);
    // Blocks; Cancelled when the engine closed its end. BadInput: the stream is nonsense.
    [[nodiscard]] Result<Message> receive();
    // Whether a frame or end of stream can be received without waiting.
    [[nodiscard]] bool isReadable() const;
private:
    struct Private;
    std::unique_ptr<Private> d;
};

} // namespace ratchet
