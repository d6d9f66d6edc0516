// SPDX-License-Identifier: GPL-3.0-or-later
// The server over real sockets: who is answered, what comes back, what the engine hears of it.
#include <QtTest>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/rng.h"
#include "core/deploy/tensor/server.h"
#include "core/deploy/web.h"
#include "core/genome/tokenizer.h"
#include "core/genome/weights_file.h"
#include "core/plugin/loader.h"

using namespace ratchet;

namespace
{

const std::string token = "0123456789abcdef0123456789abcdef";
const std::string firstVersion(64, 'a'), secondVersion(64, 'b');

struct Reply {
    int status = 0;
    std::string head, text;
    Json body;
};

// One request on a connection of its own.
Reply ask(int port, const std::string& raw)
{
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    Reply reply;
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return reply;
    for (std::string_view rest = raw; !rest.empty();) {
        const auto sent = ::send(fd.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent <= 0)
            break;
        rest.remove_prefix(std::size_t(sent));
    }
    std::string all;
    char bytes[4096];
    for (ssize_t got; (got = ::read(fd.get(), bytes, sizeof bytes)) > 0;)
        all.append(bytes, std::size_t(got));
    if (!all.starts_with("HTTP/1.1 "))
        return reply;
    const auto split = all.find("\r\n\r\n");
    reply.status = std::stoi(all.substr(9, 3));
    reply.head = all.substr(0, split);
    reply.text = all.substr(split + 4);
    reply.body = Json::parse(reply.text, nullptr, false);
    return reply;
}

struct Headers {
    std::string host, origin, token, type = "application/json";
};

std::string request(const std::string& method, const std::string& path, const std::string& body, const Headers& headers)
{
    std::string text = method + " " + path + " HTTP/1.1\r\nConnection: close\r\n";
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty())
            text += std::string(name) + ": " + value + "\r\n";
    };
    add("Host", headers.host);
    add("Origin", headers.origin);
    add("Authorization", headers.token.empty() ? "" : "Bearer " + headers.token);
    add("Content-Type", headers.type);
    return text + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

} // namespace

class TestServer : public QObject
{
    Q_OBJECT

    QTemporaryDir m_folder;
    Json m_genome;
    std::unique_ptr<FrameChannel> m_engine;
    std::thread m_thread;
    int m_status = -1, m_port = 0;

    std::string weights(const char* name, std::uint64_t seed) const
    {
        const auto domain = loadDomain("arithmetic");
        const Genome genome = *Genome::fromJson(m_genome);
        WeightsFile file;
        Rng rng(seed);
        for (const auto& [tensor, shape] :
             expectedTensors(genome.architecture, Tokenizer((*domain)->info().alphabet).vocabulary())) {
            std::int64_t count = 1;
            for (const auto size : shape)
                count *= size;
            std::vector<float> values(static_cast<std::size_t>(count));
            for (float& value : values)
                value = static_cast<float>(0.2 * rng.normal());
            file.add(tensor, "F32", shape, values.data());
        }
        const std::string path = m_folder.filePath(QString::fromLatin1(name)).toStdString();
        if (!writeWeights(path, file))
            qFatal("the weights cannot be written");
        return path;
    }
    Artifact artifact(const std::string& version, const std::string& file) const { return {version, m_genome, file}; }
    ServeSpec spec() const
    {
        return {"arithmetic", "", "127.0.0.1", 0, token, artifact(firstVersion, weights("first", 1))};
    }

    // Runs a server with this spec; its first word.
    Message started(const ServeSpec& what)
    {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
            qFatal("no socket pair");
        m_engine = std::make_unique<FrameChannel>(ends[0]);
        m_thread = std::thread([this, theirs = ends[1]] {
            FrameChannel channel(theirs);
            m_status = serverMain(channel);
        });
        (void)m_engine->send(what);
        return *m_engine->receive();
    }
    void start()
    {
        const Message word = started(spec());
        QVERIFY(std::holds_alternative<Listening>(word));
        m_port = std::get<Listening>(word).port;
        QVERIFY(m_port > 0);
    }
    Headers good() const { return {"127.0.0.1:" + std::to_string(m_port), "", token}; }
    Reply post(const std::string& path, const Json& body) const
    {
        return ask(m_port, request("POST", path, body.dump(), good()));
    }
    void expectFailure(const Message& word, const QString& sentence)
    {
        QVERIFY(std::holds_alternative<Failure>(word));
        QVERIFY2(QString::fromStdString(std::get<Failure>(word).text).startsWith(sentence),
                 std::get<Failure>(word).text.c_str());
        m_thread.join();
        QCOMPARE(m_status, 1);
    }

private Q_SLOTS:
    void initTestCase()
    {
        qputenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR);
        const auto domain = loadDomain("arithmetic");
        QVERIFY2(domain, domain ? "" : domain.error().text.c_str());
        Genome genome = (*domain)->seedGenome();
        genome.architecture.width = 32;
        genome.architecture.layers = 1;
        m_genome = genome.toJson();
    }
    void cleanup()
    {
        m_engine.reset();
        if (m_thread.joinable())
            m_thread.join();
    }

    void whoIsAnswered_data()
    {
        QTest::addColumn<QString>("method");
        QTest::addColumn<QString>("path");
        QTest::addColumn<QString>("host");
        QTest::addColumn<QString>("origin");
        QTest::addColumn<QString>("key");
        QTest::addColumn<QString>("type");
        QTest::addColumn<int>("status");
        const QString json = QStringLiteral("application/json"), own = QStringLiteral("127.0.0.1:PORT"), none;
        const QString key = QString::fromStdString(token);
        const auto row = [&](const char* sentence, const char* method, const char* path, const QString& host,
                             const char* origin, const QString& itsKey, const QString& type, int status) {
            QTest::addRow("%s", sentence) << QString::fromLatin1(method) << QString::fromLatin1(path) << host
                                          << QString::fromLatin1(origin) << itsKey << type << status;
        };
        row("health needs no token", "GET", "/healthz", own, "", none, none, 200);
        row("by the name localhost", "GET", "/healthz", QStringLiteral("localhost:PORT"), "", none, none, 200);
        row("no host", "GET", "/healthz", none, "", none, none, 403);
        row("another host: a rebound name", "GET", "/healthz", QStringLiteral("evil.example:PORT"), "", none, none,
            403);
        row("the right host at another port", "GET", "/healthz", QStringLiteral("127.0.0.1:1"), "", none, none, 403);
        row("a page of another site", "GET", "/healthz", own, "http://evil.example", none, none, 403);
        row("a page of nowhere", "POST", "/v1/completions", own, "null", key, json, 403);
        row("a foreign page that asks beforehand", "OPTIONS", "/v1/completions", own, "https://evil.example", key, none,
            403);
        row("our own origin", "GET", "/v1/models", own, "http://127.0.0.1:PORT", key, none, 200);
        row("models without a token", "GET", "/v1/models", own, "", none, none, 401);
        row("a token too long", "GET", "/v1/models", own, "", key + QLatin1Char('0'), none, 401);
        row("a token of another", "POST", "/v1/feedback", own, "", QStringLiteral("ffff456789abcdef0123456789abcdef"),
            json, 401);
        row("nothing there", "GET", "/v1/promote", own, "", key, none, 404);
        row("nothing there, said to strangers as refusal", "GET", "/v1/promote", own, "", none, none, 401);
        row("the wrong verb", "GET", "/v1/completions", own, "", key, none, 405);
        row("a form of a web page", "POST", "/v1/completions", own, "", key, QStringLiteral("text/plain"), 415);
        row("no JSON", "POST", "/v1/completions", own, "", key, json, 400);
    }
    void whoIsAnswered()
    {
        QFETCH(QString, method);
        QFETCH(QString, path);
        QFETCH(QString, host);
        QFETCH(QString, origin);
        QFETCH(QString, key);
        QFETCH(QString, type);
        QFETCH(int, status);
        start();
        const QString port = QString::number(m_port);
        const Headers headers{host.replace(QLatin1String("PORT"), port).toStdString(),
                              origin.replace(QLatin1String("PORT"), port).toStdString(), key.toStdString(),
                              type.toStdString()};
        const Reply reply =
            ask(m_port, request(method.toStdString(), path.toStdString(), status == 400 ? "{" : "", headers));
        QCOMPARE(reply.status, status);
        QVERIFY(reply.body.is_object());
        if (status >= 400)
            QVERIFY(
                QString::fromStdString(reply.body["error"]["message"].get<std::string>()).endsWith(QLatin1Char('.')));
    }

    void aCompletionIsAnsweredAndReported()
    {
        start();
        const Reply reply = post("/v1/completions", Json{{"prompt", "12+34="}, {"max_tokens", 5}});
        QCOMPARE(reply.status, 200);
        QCOMPARE(reply.body["object"].get<std::string>(), std::string("text_completion"));
        QCOMPARE(reply.body["model"].get<std::string>(), firstVersion);
        const Json choice = reply.body["choices"][0];
        QVERIFY(choice["finish_reason"] == "length" || choice["finish_reason"] == "stop");
        QVERIFY(reply.body["usage"]["completion_tokens"].get<int>() <= 5);
        const auto served = m_engine->receive();
        QVERIFY(served);
        QCOMPARE(std::get<Served>(*served).prompt, std::string("12+34="));
        QCOMPARE(std::get<Served>(*served).completion, choice["text"].get<std::string>());
        QCOMPARE(std::get<Served>(*served).version, firstVersion);
        QCOMPARE(post("/v1/completions", Json{{"prompt", "12+34="}, {"max_tokens", 5}}).body["choices"],
                 reply.body["choices"]);
    }

    void itIsDrawnFromTheTopAndStoppedAsAsked()
    {
        start();
        const auto choice = [&](Json more) {
            more["prompt"] = "12+34=";
            more["max_tokens"] = 8;
            return post("/v1/completions", more).body["choices"][0];
        };
        const auto greedy = choice({})["text"].get<std::string>();
        QVERIFY(greedy.size() > 2);
        QVERIFY(choice({{"temperature", 2}, {"seed", 5}})["text"] != greedy);
        QCOMPARE(choice({{"temperature", 2}, {"seed", 5}, {"top_k", 1}})["text"].get<std::string>(), greedy);
        QCOMPARE(choice({{"temperature", 2}, {"seed", 5}, {"top_p", 1e-9}})["text"].get<std::string>(), greedy);
        const std::string stop = greedy.substr(1, 2);
        for (const Json& asked : {Json(stop), Json::array({"no such text", stop})}) {
            const Json stopped = choice({{"stop", asked}});
            QCOMPARE(stopped["text"].get<std::string>(), greedy.substr(0, greedy.find(stop)));
            QCOMPARE(stopped["finish_reason"].get<std::string>(), std::string("stop"));
        }
        QCOMPARE(choice({{"stop", nullptr}})["text"].get<std::string>(), greedy);
    }

    void aStreamSaysTheSameInPieces()
    {
        start();
        const Json asked{{"prompt", "12+34="}, {"max_tokens", 8}};
        const auto whole = post("/v1/completions", asked).body["choices"][0]["text"].get<std::string>();
        Json streaming = asked;
        streaming["stream"] = true;
        const Reply reply = post("/v1/completions", streaming);
        QCOMPARE(reply.status, 200);
        QVERIFY(reply.head.find("text/event-stream") != std::string::npos);
        QVERIFY(reply.text.ends_with("data: [DONE]\n\n"));
        std::string together;
        int events = 0;
        for (std::size_t at = 0; (at = reply.text.find("data: {", at)) != std::string::npos; ++at, ++events)
            together += Json::parse(reply.text.substr(at + 6, reply.text.find('\n', at) - at - 6))["choices"][0]["text"]
                            .get<std::string>();
        QCOMPARE(together, whole);
        QVERIFY(events >= 1);
    }

    void badRequests_data()
    {
        QTest::addColumn<QString>("body");
        QTest::addColumn<QString>("word");
        const auto row = [](const char* sentence, const char* body, const char* word) {
            QTest::addRow("%s", sentence) << QString::fromLatin1(body) << QString::fromLatin1(word);
        };
        row("no prompt", "{}", "prompt");
        row("two prompts", R"({"prompt": ["1+1=", "2+2="]})", "prompt");
        row("a character the model has not", R"({"prompt": "what?"})", "");
        row("no tokens", R"({"prompt": "1+1=", "max_tokens": 0})", "max_tokens");
        row("a million tokens", R"({"prompt": "1+1=", "max_tokens": 1000000})", "max_tokens");
        row("below absolute zero", R"({"prompt": "1+1=", "temperature": -1})", "temperature");
        row("an endless temperature", R"({"prompt": "1+1=", "temperature": 1e999})", "number");
        row("a field that would be ignored", R"({"prompt": "1+1=", "logit_bias": {}})", "logit_bias");
        row("nothing of the likeliest", R"({"prompt": "1+1=", "top_p": 0})", "top_p");
        row("fewer than no token", R"({"prompt": "1+1=", "top_k": -1})", "top_k");
        row("a stop at once", R"({"prompt": "1+1=", "stop": ["3", ""]})", "stop");
        row("five ways to stop", R"({"prompt": "1+1=", "stop": ["1", "2", "3", "4", "5"]})", "stop");
        row("deeply nested", R"({"prompt": [[[[[[[[[[[]]]]]]]]]]]})", "prompt");
    }
    void badRequests()
    {
        QFETCH(QString, body);
        QFETCH(QString, word);
        start();
        const Reply reply = ask(m_port, request("POST", "/v1/completions", body.toStdString(), good()));
        QCOMPARE(reply.status, 400);
        QVERIFY2(reply.body["error"]["message"].get<std::string>().find(word.toStdString()) != std::string::npos,
                 reply.text.c_str());
        QCOMPARE(ask(m_port, request("GET", "/healthz", "", good())).status, 200);
    }

    void anotherModelIsNotFound()
    {
        start();
        QCOMPARE(post("/v1/completions", Json{{"prompt", "1+1="}, {"model", "gpt-4"}}).status, 404);
        QCOMPARE(post("/v1/completions", Json{{"prompt", "1+1="}, {"model", std::string(10, 'a')}}).status, 200);
    }

    void tooMuchIsCutOff()
    {
        start();
        QCOMPARE(post("/v1/completions", Json{{"prompt", std::string(100000, '1')}}).status, 400);
        QCOMPARE(post("/v1/completions", Json{{"prompt", std::string(1000000, '1')}}).status, 413);
        QCOMPARE(ask(m_port, "GET /healthz HTTP/1.1\r\nX: " + std::string(100000, 'x') + "\r\n\r\n").status, 413);
        QCOMPARE(ask(m_port, std::string("\0\1\2\3\r\n\r\n", 8)).status, 0);
        QCOMPARE(ask(m_port, request("GET", "/healthz", "", good())).status, 200);
    }

    void feedbackReachesTheEngine()
    {
        start();
        const Json given{{"prompt", "12+34="}, {"completion", "45"}, {"correction", "46"}, {"rating", -1}};
        QCOMPARE(post("/v1/feedback", given).status, 202);
        const auto heard = m_engine->receive();
        QVERIFY(heard);
        const auto& feedback = std::get<FeedbackGiven>(*heard);
        QCOMPARE(feedback.version, firstVersion);
        QCOMPARE(feedback.correction, std::string("46"));
        QCOMPARE(feedback.rating, -1.0);
    }

    void uselessFeedbackIsRefused()
    {
        start();
        QCOMPARE(post("/v1/feedback", Json{{"prompt", "12+34="}, {"completion", "45"}}).status, 400);
        QCOMPARE(post("/v1/feedback", Json{{"prompt", "12+34="}, {"completion", "45"}, {"correction", "forty"}}).status,
                 400);
        QCOMPARE(post("/v1/feedback", Json{{"prompt", "12+34="}, {"completion", "45"}, {"rating", 7}}).status, 400);
        QCOMPARE(
            post("/v1/feedback", Json{{"prompt", "12+34="}, {"completion", "4"}, {"rating", 1}, {"version", "../x"}})
                .status,
            400);
        QVERIFY(!m_engine->isReadable());
    }

    void aNewChampionTakesOver()
    {
        start();
        QVERIFY(m_engine->send(Load{artifact(secondVersion, weights("second", 2))}));
        Reply reply;
        for (int i = 0; i < 1000 && (!reply.body.is_object() || reply.body["data"][0]["id"] != secondVersion); ++i)
            reply = ask(m_port, request("GET", "/v1/models", "", good()));
        QCOMPARE(reply.body["data"][0]["id"].get<std::string>(), secondVersion);
        QCOMPARE(post("/v1/completions", Json{{"prompt", "1+1="}, {"model", firstVersion}}).status, 404);
        QCOMPARE(post("/v1/completions", Json{{"prompt", "1+1="}}).body["model"].get<std::string>(), secondVersion);
    }

    void manyAskAtOnce()
    {
        start();
        std::vector<std::thread> clients;
        std::atomic<int> answered = 0, busy = 0, other = 0;
        for (int i = 0; i < 40; ++i)
            clients.emplace_back([&] {
                const int status = post("/v1/completions", Json{{"prompt", "1+1="}, {"max_tokens", 20}}).status;
                ++(status == 200 ? answered : status == 503 ? busy : other);
            });
        for (auto& client : clients)
            client.join();
        QVERIFY(answered > 0);
        QCOMPARE(answered + busy, 40);
    }

    void itEndsWhenToldTo()
    {
        start();
        QVERIFY(m_engine->send(Stop{}));
        m_thread.join();
        QCOMPARE(m_status, 0);
        QCOMPARE(ask(m_port, request("GET", "/healthz", "", good())).status, 0);
    }

    void itEndsWithTheEngine()
    {
        start();
        m_engine.reset();
        m_thread.join();
        QCOMPARE(m_status, 0);
    }

    void aPortInUseIsNamed()
    {
        const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        QCOMPARE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
        QCOMPARE(::listen(fd.get(), 1), 0);
        ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
        ServeSpec what = spec();
        what.port = ntohs(address.sin_port);
        expectFailure(started(what), QStringLiteral("Port %1 on 127.0.0.1 is in use.").arg(what.port));
    }

    void whatCannotBeServedIsNamed()
    {
        ServeSpec what = spec();
        what.champion.weights = "/nowhere";
        expectFailure(started(what), QString());
        what = spec();
        what.host = "0.0.0.0";
        expectFailure(started(what), QStringLiteral("The server listens on 127.0.0.1 only."));
        what = spec();
        what.token = "";
        expectFailure(started(what), QStringLiteral("The server needs a token"));
        what = spec();
        what.domain = "chess";
        expectFailure(started(what), QString());
    }

    void tokensAreComparedWhole()
    {
        QVERIFY(equalInConstantTime("abc", "abc"));
        QVERIFY(!equalInConstantTime("abc", "abd"));
        QVERIFY(!equalInConstantTime("abc", "ab"));
        QVERIFY(!equalInConstantTime("", "abc"));
    }
};

QTEST_GUILESS_MAIN(TestServer)
#include "tst_server.moc"
