// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/launch/frame.h"

#include <cerrno>
#include <cstring>
#include <mutex>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace ratchet {
namespace {

constexpr std::size_t headerBytes = 4;
constexpr std::size_t deepest = 64;
constexpr std::size_t mostItems = std::size_t(1) << 21;   // a parsed item takes 16 bytes and more

std::size_t lengthAt(const char* bytes)
{
    const auto byte = [&](int i) { return std::size_t(static_cast<unsigned char>(bytes[i])); };
    return byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
}

// The parser recurses, trusts lengths and needs far more room than the bytes; so only plain CBOR reaches it: bounded depth
// and number of items, definite lengths that fit the frame, no tags.
bool isPlainCbor(std::string_view bytes)
{
    std::vector<std::uint64_t> open{1};   // items still to come, outermost first
    std::size_t at = 0, items = 0;
    while (!open.empty()) {
        if (open.back() == 0) {
            open.pop_back();
            continue;
        }
        --open.back();
        if (at >= bytes.size() || ++items > mostItems)
            return false;
        const auto head = static_cast<unsigned char>(bytes[at++]);
        const unsigned major = head >> 5, info = head & 31U;
        if (info > 27 || major == 6)
            return false;
        const std::size_t extra = info < 24 ? 0 : std::size_t(1) << (info - 24);
        if (bytes.size() - at < extra)
            return false;
        std::uint64_t value = info;
        for (std::size_t i = 0; i < extra; ++i)
            value = (i ? value << 8 : 0) | static_cast<unsigned char>(bytes[at++]);
        if ((major == 2 || major == 3 || major == 4 || major == 5) && value > bytes.size() - at)
            return false;
        if (major == 2 || major == 3)
            at += value;
        else if (major == 4 || major == 5)
            open.push_back(major == 5 ? 2 * value : value);
        if (open.size() > deepest)
            return false;
    }
    return at == bytes.size();
}

Result<Message> decode(std::string_view bytes)
{
    if (!isPlainCbor(bytes))
        return fail(Code::BadInput, "A frame does not hold plain CBOR.");
    try {
        return messageFromJson(Json::from_cbor(bytes.begin(), bytes.end()));
    } catch (const Json::exception&) {
        return fail(Code::BadInput, "A frame does not hold CBOR.");
    }
}

} // namespace

std::string encodeFrame(const Message& message)
{
    std::string frame(headerBytes, '\0');
    Json::to_cbor(toJson(message), frame);
    const std::size_t length = frame.size() - headerBytes;
    for (std::size_t i = 0; i < headerBytes; ++i)
        frame[i] = static_cast<char>(length >> (8 * i) & 0xff);
    return frame;
}

void FrameReader::append(std::string_view bytes)
{
    if (m_begin > 0 && m_begin >= m_buffer.size() / 2) {
        m_buffer.erase(0, m_begin);
        m_begin = 0;
    }
    m_buffer += bytes;
}

Result<std::optional<Message>> FrameReader::next()
{
    const std::size_t held = m_buffer.size() - m_begin;
    if (held < headerBytes)
        return std::optional<Message>();
    const std::size_t length = lengthAt(m_buffer.data() + m_begin);
    if (length == 0 || length > maxFrameBytes)
        return fail(Code::BadInput, fmt::format("A frame claims to hold {} bytes.", length));
    if (held < headerBytes + length)
        return std::optional<Message>();
    RATCHET_TRY(message, decode(std::string_view(m_buffer).substr(m_begin + headerBytes, length)));
    m_begin += headerBytes + length;
    return std::optional<Message>(std::move(message));
}

struct FrameChannel::Private {
    UniqueFd fd;
    std::mutex sending;              // one frame at a time on the stream
    FrameReader reader;
    std::optional<Message> waiting;  // read by isReadable(), not yet received
    std::optional<Error> broken;

    // Takes the next whole frame out of the reader; false when more bytes are needed.
    bool takeFrame()
    {
        if (waiting || broken)
            return true;
        auto next = reader.next();
        if (!next)
            broken = next.error();
        else
            waiting = std::move(*next);
        return waiting || broken;
    }
    // One read; blocks when nothing is there.
    void readSome()
    {
        char bytes[1 << 16];
        const ssize_t got = ::read(fd.get(), bytes, sizeof bytes);
        if (got > 0)
            reader.append({bytes, std::size_t(got)});
        else if (got == 0 || errno != EINTR)
            broken = Error{Code::Cancelled, "The engine closed the connection.", {}};
    }
    bool hasBytes() const
    {
        pollfd poll{fd.get(), POLLIN, 0};
        return ::poll(&poll, 1, 0) > 0;
    }
};

FrameChannel::FrameChannel(int fd) : d(std::make_unique<Private>())
{
    d->fd = UniqueFd(fd);
}

FrameChannel::~FrameChannel() = default;

Status FrameChannel::send(const Message& message)
{
    const std::string frame = encodeFrame(message);
    if (frame.size() > maxFrameBytes)
        return fail(Code::BadInput, fmt::format("A message of {} bytes is too large to send.", frame.size()));
    const std::lock_guard lock(d->sending);
    std::string_view rest = frame;
    while (!rest.empty()) {
        const ssize_t sent = ::send(d->fd.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
            return fail(Code::Cancelled, "The engine closed the connection.");
        if (sent < 0)
            return fail(Code::Failed, fmt::format("Sending to the engine failed: {}.", std::strerror(errno)));
        rest.remove_prefix(std::size_t(sent));
    }
    return {};
}

Result<Message> FrameChannel::receive()
{
    while (!d->takeFrame())
        d->readSome();
    if (!d->waiting)
        return tl::unexpected(*d->broken);
    Message message = std::move(*d->waiting);
    d->waiting.reset();
    return message;
}

bool FrameChannel::isReadable() const
{
    while (!d->takeFrame()) {
        if (!d->hasBytes())
            return false;
        d->readSome();
    }
    return true;
}

} // namespace ratchet
