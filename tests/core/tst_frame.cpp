// SPDX-License-Identifier: GPL-3.0-or-later
// Frames in pieces, frames that lie, and both ends of a real socket pair.
#include <QtTest>

#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "core/launch/frame.h"

using namespace ratchet;

namespace {

std::string framed(std::string body)
{
    std::string frame(4, '\0');
    for (std::size_t i = 0; i < 4; ++i)
        frame[i] = static_cast<char>(body.size() >> (8 * i) & 0xff);
    return frame + body;
}

std::string cbor(const Json& json)
{
    std::string bytes;
    Json::to_cbor(json, bytes);
    return bytes;
}

} // namespace

class TestFrame : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void framesComeOutWholeHoweverTheyCameIn_data()
    {
        QTest::addColumn<int>("piece");
        for (const int piece : {1, 2, 3, 5, 64, 100000})
            QTest::addRow("in pieces of %d bytes", piece) << piece;
    }
    void framesComeOutWholeHoweverTheyCameIn()
    {
        QFETCH(int, piece);
        std::string stream;
        for (int i = 0; i < 50; ++i)
            stream += encodeFrame(Progress{i, 2 * i, 1, 0.5, 1, std::string(std::size_t(i), 'x')});
        FrameReader reader;
        int seen = 0;
        for (std::size_t at = 0; at < stream.size(); at += std::size_t(piece)) {
            reader.append(std::string_view(stream).substr(at, std::size_t(piece)));
            for (;;) {
                const auto next = reader.next();
                QVERIFY(next);
                if (!*next)
                    break;
                QCOMPARE(std::get<Progress>(**next).step, std::int64_t(seen));
                ++seen;
            }
        }
        QCOMPARE(seen, 50);
    }

    void nonsense_data()
    {
        QTest::addColumn<QByteArray>("bytes");
        const auto row = [](const char* sentence, const std::string& bytes) {
            QTest::addRow("%s", sentence) << QByteArray(bytes.data(), qsizetype(bytes.size()));
        };
        row("text instead of frames", "Segmentation fault (core dumped)");
        row("a frame of no bytes", std::string(4, '\0'));
        row("a frame of 4 GiB", std::string(4, '\xff'));
        row("bytes after the message", framed(cbor(toJson(Stop{})) + "x"));
        row("a message cut short", framed(cbor(toJson(Stop{})).substr(0, 4)));
        row("a list of 2^63 entries", framed(std::string("\x9b\x80\0\0\0\0\0\0\0", 9)));
        row("a map of 2^63 entries, which doubles to nothing", framed(std::string("\xbb\x80\0\0\0\0\0\0\0", 9)));
        row("a text longer than its frame", framed(std::string("\x7a\0\0\xff\xff", 5)));
        row("a million lists in each other", framed(std::string(1000000, '\x81')));
        row("a list of three million zeros", framed(std::string("\x9a\0\x2d\xc6\xc0", 5).append(3000000, '\0')));
        row("a list without end", framed("\x9f\xff"));
        row("a tagged value", framed("\xc1\x01"));
        row("raw bytes", framed(std::string("\xa1\x64type\x41x", 8)));
        row("a number", framed("\x01"));
        row("half-precision NaN as a loss", [] {
            Json json = toJson(Progress{});
            json["loss"] = std::nan("");
            return framed(cbor(json));
        }());
    }
    void nonsense()
    {
        QFETCH(QByteArray, bytes);
        FrameReader reader;
        reader.append({bytes.data(), std::size_t(bytes.size())});
        const auto next = reader.next();
        QVERIFY(!next);
        QCOMPARE(next.error().code, Code::BadInput);
    }

    void everyFlippedByteIsAMessageOrAnError()
    {
        const std::string good = encodeFrame(Points{3, {{"loss", 1.25}, {"gradient-norm", 0.5}}});
        for (std::size_t at = 4; at < good.size(); ++at)
            for (int value = 0; value < 256; ++value) {
                std::string bad = good;
                bad[at] = static_cast<char>(value);
                FrameReader reader;
                reader.append(bad);
                const auto next = reader.next();
                QVERIFY(!next || *next);
                if (next)
                    QVERIFY(messageFromJson(toJson(**next)));
            }
    }

    void bothEndsOfASocketPair()
    {
        int ends[2];
        QCOMPARE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        FrameChannel left(ends[0]);
        auto right = std::make_unique<FrameChannel>(ends[1]);
        QVERIFY(!left.isReadable());
        // Larger than any socket buffer, so that both sides have to wait for each other.
        std::jthread writer([&] {
            for (int i = 0; i < 3; ++i)
                if (!right->send(Served{"v", std::string(1 << 20, 'p'), "c", double(i)}))
                    return;
        });
        for (int i = 0; i < 3; ++i) {
            const auto message = left.receive();
            QVERIFY(message);
            QCOMPARE(std::get<Served>(*message).seconds, double(i));
        }
        writer.join();
        QVERIFY(!left.isReadable());
        QVERIFY(right->send(Stop{}));
        QVERIFY(left.isReadable());
        QVERIFY(std::holds_alternative<Stop>(*left.receive()));
        right.reset();
        QVERIFY(left.isReadable());
        const auto end = left.receive();
        QVERIFY(!end);
        QCOMPARE(end.error().code, Code::Cancelled);
        const auto unsent = left.send(Stop{});
        QVERIFY(!unsent);
        QCOMPARE(unsent.error().code, Code::Cancelled);
    }
};

QTEST_GUILESS_MAIN(TestFrame)
#include "tst_frame.moc"
