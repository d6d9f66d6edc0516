// SPDX-License-Identifier: GPL-3.0-or-later
// Three threads: the caller's reads the engine's frames, one runs all sockets (coroutines), one owns the model. A new
// champion is loaded and swapped on the model's thread, so it falls between two requests.
#include "core/deploy/tensor/server.h"

#include <utility>

#include <atomic>
#include <chrono>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <thread>

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "core/base/clock.h"
#include "core/deploy/feedback.h"
#include "core/deploy/web.h"
#include "core/launch/text.h"
#include "core/model/answerer.h"
#include "core/model/voting.h"
#include "core/plugin/loader.h"

namespace ratchet {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using beast::error_code;
template <typename T> using Task = asio::awaitable<T>;

constexpr std::size_t mostConnections = 64, mostWaiting = 16;
constexpr std::size_t largestHeader = 16384, largestBody = 262144;
constexpr std::chrono::seconds requestTime{10};   // to send a request, or to take an answer

struct Live {
    std::string version;
    Genome genome;
    std::unique_ptr<Answerer> answerer;
};

// What a generation has written so far, from the model's thread to the socket's.
struct Written {
    std::deque<std::string> pieces;
    std::optional<Result<Answer>> answer;
    std::string version;
    double seconds = 0;
    asio::steady_timer news;
    explicit Written(asio::io_context& context) : news(context) { news.expires_at(asio::steady_timer::time_point::max()); }
};

class Server {
public:
    Server(FrameChannel& channel, ServeSpec spec, std::unique_ptr<Domain> domain, const Placement& placement)
        : m_channel(channel), m_spec(std::move(spec)), m_domain(std::move(domain)), m_placement(placement)
    {
    }
    ~Server()
    {
        m_sockets.stop();
        m_model.stop();   // what waits is dropped, what runs is finished
        m_model.join();
        if (m_thread.joinable())
            m_thread.join();
    }
    // Waits until the model is loaded; the old one stays when it fails.
    Status load(const Artifact& champion)
    {
        std::promise<Status> done;
        asio::post(m_model, [&] { done.set_value(swap(champion)); });
        return done.get_future().get();
    }
    Result<int> listen();

private:
    using Request = http::request<http::string_body>;

    Status swap(const Artifact& champion);
    [[nodiscard]] std::string liveVersion()
    {
        const std::lock_guard lock(m_mutex);
        return m_liveVersion;
    }
    Task<void> accept();
    Task<void> converse(beast::tcp_stream& stream);
    Task<bool> respond(beast::tcp_stream& stream, const Request& request);
    Task<bool> complete(beast::tcp_stream& stream, const Request& request);
    Task<bool> streamOut(beast::tcp_stream& stream, const std::shared_ptr<Written>& written, Json frame);
    Task<bool> write(beast::tcp_stream& stream, const Request& request, const WebAnswer& answer);
    std::shared_ptr<Written> generate(const CompletionRequest& asked);
    [[nodiscard]] Result<std::vector<Answer>> generate(const CompletionRequest& asked, AnswerOptions options) const;
    void generateNow(const CompletionRequest& asked, const std::shared_ptr<Written>& written);
    WebAnswer models();
    WebAnswer feedback(const std::string& body);

    FrameChannel& m_channel;
    ServeSpec m_spec;
    std::unique_ptr<Domain> m_domain;
    Placement m_placement;
    std::mutex m_mutex;                    // guards m_liveVersion
    std::string m_liveVersion;
    Live m_live;                           // the model's thread only
    int m_port = 0;
    std::size_t m_connections = 0;         // the sockets' thread only, as the next two
    std::size_t m_waiting = 0;
    std::uint64_t m_answers = 0;
    asio::io_context m_sockets{1};
    std::optional<tcp::acceptor> m_acceptor;
    asio::thread_pool m_model{1};
    std::thread m_thread;
};

Status Server::swap(const Artifact& champion)
{
    RATCHET_TRY(genome, Genome::fromJson(champion.genome));
    RATCHET_TRY(answerer, Answerer::load(genome, champion.weights, *m_domain, m_spec.tokenizer, m_placement));
    m_live = {champion.version, std::move(genome), std::move(answerer)};
    const std::lock_guard lock(m_mutex);
    m_liveVersion = champion.version;
    return {};
}

Result<int> Server::listen()
{
    try {
        const tcp::endpoint here(asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(m_spec.port));
        m_acceptor.emplace(m_sockets);
        m_acceptor->open(here.protocol());
        m_acceptor->set_option(tcp::acceptor::reuse_address(true));
        error_code error;
        m_acceptor->bind(here, error);
        if (!error)
            m_acceptor->listen(asio::socket_base::max_listen_connections, error);
        if (error == asio::error::address_in_use)
            return fail(Code::Environment, fmt::format("Port {} on 127.0.0.1 is in use.", m_spec.port),
                        "Choose another with --port, or 0 to have one picked.");
        if (error)
            return fail(Code::Environment, fmt::format("Port {} on 127.0.0.1 cannot be opened: {}.", m_spec.port, error.message()),
                        "Choose a port above 1023 with --port.");
        m_port = m_acceptor->local_endpoint().port();
        asio::co_spawn(m_sockets, [this] { return accept(); }, asio::detached);
        m_thread = std::thread([this] { m_sockets.run(); });
        return m_port;
    } catch (const std::exception& error) {
        return fail(Code::Environment, fmt::format("Sockets do not work here: {}.", error.what()));
    }
}

Task<void> Server::accept()
{
    for (;;) {
        error_code error;
        tcp::socket socket = co_await m_acceptor->async_accept(asio::redirect_error(asio::use_awaitable, error));
        if (error == asio::error::operation_aborted)
            co_return;
        if (error || m_connections >= mostConnections)
            continue;   // closing the socket is the answer when there are too many
        auto stream = std::make_shared<beast::tcp_stream>(std::move(socket));
        ++m_connections;
        asio::co_spawn(
            m_sockets, [this, stream] { return converse(*stream); },
            [this, stream](const std::exception_ptr&) { --m_connections; });
    }
}

Task<void> Server::converse(beast::tcp_stream& stream)
{
    beast::flat_buffer buffer(largestHeader + largestBody);
    for (bool goOn = true; goOn;) {
        http::request_parser<http::string_body> parser;
        parser.header_limit(largestHeader);
        parser.body_limit(largestBody);
        stream.expires_after(requestTime);
        error_code error;
        co_await http::async_read(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
        if (error == http::error::body_limit || error == http::error::header_limit) {
            const WebAnswer tooLarge = webError(413, "size", "The request is too large.");
            Request none;
            none.keep_alive(false);
            co_await write(stream, none, tooLarge);
            break;
        }
        if (error)
            break;
        const Request request = parser.release();
        goOn = co_await respond(stream, request);
    }
    error_code ignored;
    stream.socket().shutdown(tcp::socket::shutdown_both, ignored);
}

WebRequest plain(const http::request<http::string_body>& request)
{
    WebRequest result;
    result.method = std::string(request.method_string());
    result.target = std::string(request.target());
    result.body = request.body();
    const auto all = [&](http::field name, std::vector<std::string>& values) {
        const auto range = request.equal_range(name);
        for (auto field = range.first; field != range.second; ++field)
            values.emplace_back(field->value());
    };
    all(http::field::host, result.hosts);
    all(http::field::origin, result.origins);
    all(http::field::authorization, result.authorizations);
    all(http::field::content_type, result.contentTypes);
    return result;
}

Task<bool> Server::respond(beast::tcp_stream& stream, const Request& request)
{
    const WebRequest asked = plain(request);
    WebAnswer answer;
    if (const auto refused = refusal(asked, m_port, m_spec.token))
        answer = *refused;
    else if (asked.target == "/v1/completions")
        co_return co_await complete(stream, request);
    else if (asked.target == "/v1/models")
        answer = models();
    else if (asked.target == "/v1/feedback")
        answer = feedback(asked.body);
    else
        answer.body = Json{{"status", "ok"}};
    const bool goOn = co_await write(stream, request, answer);
    co_return goOn;
}

Task<bool> Server::write(beast::tcp_stream& stream, const Request& request, const WebAnswer& answer)
{
    http::response<http::string_body> response(static_cast<http::status>(answer.status), 11);
    response.set(http::field::content_type, "application/json");
    response.set(http::field::cache_control, "no-store");
    response.set("X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : answer.headers)
        response.set(name, value);
    response.body() = answer.body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    response.keep_alive(request.keep_alive());
    response.prepare_payload();
    stream.expires_after(requestTime);
    error_code error;
    co_await http::async_write(stream, response, asio::redirect_error(asio::use_awaitable, error));
    co_return !error && response.keep_alive();
}

WebAnswer Server::models()
{
    const Json model{{"id", liveVersion()}, {"object", "model"}, {"owned_by", "ratchet"}, {"domain", m_spec.domain}};
    return {200, Json{{"object", "list"}, {"data", Json::array({model})}}, {}};
}

WebAnswer Server::feedback(const std::string& body)
{
    const auto given = feedbackRequest(body, liveVersion());
    if (!given)
        return webError(given.error());
    if (const auto outcome = outcomeOf(*given, *m_domain, now()); !outcome)
        return webError(outcome.error());
    if (const Status sent = m_channel.send(*given); !sent)
        return webError(sent.error());
    return {202, Json{{"status", "taken"}}, {}};
}

std::shared_ptr<Written> Server::generate(const CompletionRequest& asked)
{
    auto written = std::make_shared<Written>(m_sockets);   // shared by both threads until the later one is done
    ++m_waiting;
    asio::post(m_model, [this, asked, written] { generateNow(asked, written); });
    return written;
}

// As the judge measured it where the prompt is a question of the domain and no temperature was asked for: a vote is known at
// its end only, so it is streamed in one piece.
Result<std::vector<Answer>> Server::generate(const CompletionRequest& asked, AnswerOptions options) const
{
    const Reasoning& reasoning = m_live.genome.reasoning;
    if (asked.temperature > 0 || (reasoning.samples <= 1 && !reasoning.selfCheck))
        return m_live.answerer->answer({asked.prompt}, options);
    const auto item = guarded(m_spec.domain, [&] { return m_domain->parse(asked.prompt); });
    if (!item || !*item)
        return m_live.answerer->answer({asked.prompt}, options);
    const auto show = std::exchange(options.onText, {});
    options.topP = 1;
    options.topK = 0;
    const std::vector<std::string> stops = std::exchange(options.stop, {});       // votes are on whole answers
    auto answers = guarded(m_spec.domain, [&] {
        return answerByPolicy(*m_live.answerer, m_live.genome, *m_domain, {**item}, {asked.prompt}, options);
    });
    if (!answers)
        return passOn(answers);
    if (*answers)
        for (Answer& answer : **answers)
            for (const std::string& stop : stops)
                answer.completion.resize(std::min(answer.completion.size(), answer.completion.find(stop)));
    if (show && *answers)
        show((*answers)->front().completion);
    return *answers;
}

// On the model's thread.
void Server::generateNow(const CompletionRequest& asked, const std::shared_ptr<Written>& written)
{
    AnswerOptions options;
    options.maxTokens = asked.maxTokens;
    options.temperature = asked.temperature;
    options.seed = asked.seed;
    options.topP = asked.topP;
    options.topK = asked.topK;
    options.stop = asked.stop;
    if (asked.stream)
        options.onText = [this, &written](const std::string& piece) {
            asio::post(m_sockets, [written, piece] {
                written->pieces.push_back(piece);
                written->news.cancel();
            });
        };
    const auto start = std::chrono::steady_clock::now();
    const auto answers = generate(asked, options);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    Result<Answer> answer = answers ? Result<Answer>(answers->at(0)) : passOn(answers);
    if (answer)
        (void)m_channel.send(Served{m_live.version, asked.prompt, answer->completion, seconds});
    asio::post(m_sockets, [this, written, answer, seconds, version = m_live.version] {
        --m_waiting;
        written->answer = answer;
        written->seconds = seconds;
        written->version = version;
        written->news.cancel();
    });
}

Json usageOf(const Answer& answer)
{
    return {{"prompt_tokens", answer.promptTokens}, {"completion_tokens", answer.tokens},
            {"total_tokens", answer.promptTokens + answer.tokens}};
}

Json choice(const std::string& text, const Json& reason)
{
    return Json::array({Json{{"text", cleanUtf8(text)}, {"index", 0}, {"logprobs", nullptr}, {"finish_reason", reason}}});
}

Task<bool> Server::complete(beast::tcp_stream& stream, const Request& request)
{
    const auto asked = completionRequest(request.body());
    WebAnswer answer;
    const std::string live = liveVersion();
    if (!asked)
        answer = webError(asked.error());
    else if (!namesVersion(asked->model, live))
        answer = webError(404, "model", fmt::format("The model {} is not the one in use; see /v1/models.", cleanUtf8(asked->model)));
    else if (m_waiting >= mostWaiting)
        answer = webError(503, "busy", "Too many requests are waiting; try again in a moment.");
    if (answer.status != 200) {
        const bool goOn = co_await write(stream, request, answer);
        co_return goOn;
    }
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now().time_since_epoch()).count();
    Json frame{{"id", fmt::format("cmpl-{}", ++m_answers)}, {"object", "text_completion"}, {"created", seconds}, {"model", live}};
    const auto written = generate(*asked);
    if (asked->stream) {
        const bool goOn = co_await streamOut(stream, written, frame);
        co_return goOn;
    }
    while (!written->answer) {
        error_code news;
        co_await written->news.async_wait(asio::redirect_error(asio::use_awaitable, news));
    }
    if (!*written->answer) {
        answer = webError(written->answer->error());
    } else {
        const Answer& made = **written->answer;
        frame["model"] = written->version;
        frame["choices"] = choice(made.completion, made.ended ? "stop" : "length");
        frame["usage"] = usageOf(made);
        frame["confidence"] = made.confidence;
        answer.body = frame;
    }
    const bool goOn = co_await write(stream, request, answer);
    co_return goOn;
}

// Server-sent events, one a piece of text, closed by "data: [DONE]" and the end of the connection.
Task<bool> Server::streamOut(beast::tcp_stream& stream, const std::shared_ptr<Written>& written, Json frame)
{
    std::string out = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
                      "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n";
    const auto event = [&](const Json& choices) {
        frame["choices"] = choices;
        return "data: " + frame.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n\n";
    };
    for (bool done = false; !done;) {
        for (; !written->pieces.empty(); written->pieces.pop_front())
            out += event(choice(written->pieces.front(), nullptr));
        done = written->answer.has_value();
        if (done && *written->answer) {
            frame["usage"] = usageOf(**written->answer);
            out += event(choice("", (*written->answer)->ended ? "stop" : "length")) + "data: [DONE]\n\n";
        } else if (done) {
            out += "data: " + webError(written->answer->error()).body.dump() + "\n\n";
        }
        error_code error;
        stream.expires_after(requestTime);
        if (!out.empty())
            co_await asio::async_write(stream, asio::buffer(out), asio::redirect_error(asio::use_awaitable, error));
        out.clear();
        if (error)
            break;
        if (!done && written->pieces.empty() && !written->answer) {
            error_code news;
            co_await written->news.async_wait(asio::redirect_error(asio::use_awaitable, news));
        }
    }
    co_return false;
}

int failed(FrameChannel& channel, const Error& error)
{
    (void)channel.send(failureOf(error));
    return 1;
}

Result<ServeSpec> receiveSpec(FrameChannel& channel)
{
    RATCHET_TRY(message, channel.receive());
    const auto* spec = std::get_if<ServeSpec>(&message);
    if (!spec)
        return fail(Code::BadInput, "The server was not told what to serve.");
    if (spec->host != "127.0.0.1" && spec->host != "localhost")
        return fail(Code::Refused, "The server listens on 127.0.0.1 only.", "Reach it from elsewhere through an ssh tunnel.");
    if (spec->token.size() < 16)
        return fail(Code::Refused, "The server needs a token of at least 16 characters.");
    return *spec;
}

} // namespace

int serverMain(FrameChannel& channel, const Placement& placement)
{
    const auto spec = receiveSpec(channel);
    if (!spec)
        return failed(channel, spec.error());
    auto domain = loadDomain(spec->domain, spec->corpus);
    if (!domain)
        return failed(channel, domain.error());
    Server server(channel, *spec, std::move(*domain), placement);
    if (const Status loaded = server.load(spec->champion); !loaded)
        return failed(channel, loaded.error());
    const auto port = server.listen();
    if (!port)
        return failed(channel, port.error());
    if (!channel.send(Listening{*port}))
        return 0;
    for (;;) {
        const auto message = channel.receive();
        if (!message || std::holds_alternative<Stop>(*message))
            return !message && message.error().code != Code::Cancelled ? 1 : 0;
        const auto* next = std::get_if<Load>(&*message);
        if (!next)
            return failed(channel, {Code::BadInput, "The server was sent something it does not know.", {}});
        if (const Status loaded = server.load(next->champion); !loaded)
            return failed(channel, loaded.error());
    }
}

} // namespace ratchet
