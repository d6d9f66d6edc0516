// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet serve: the live version over HTTP on loopback, in a child process; follows promotions and rollbacks, and
// hands users' feedback to the lab.
#include <cstdio>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include "app/ratchet/command.h"
#include "app/ratchet/stop_signal.h"
#include "core/agent/context.h"
#include "core/agent/engine.h"
#include "core/launch/child.h"

namespace ratchet {
namespace {

struct ServeOptions {
    std::string folder;
    int port = 8642;
    bool json = false;
};

Status checkPort(int port)
{
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int yes = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (port == 0 || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return {};
    return errno == EADDRINUSE ? fail(Code::Environment, fmt::format("Port {} is in use.", port),
                                      "Choose another with --port, or 0 for a free one.")
                               : fail(Code::Environment, fmt::format("Port {} cannot be opened.", port),
                                      "Choose one above 1023 with --port.");
}

// The lab's bearer token, made once; only the owner may read it.
Result<std::string> serverToken(const LabPaths& lab)
{
    const std::filesystem::path file = lab.keys() / "server.token";
    std::error_code error;
    if (std::filesystem::exists(file, error)) {
        RATCHET_TRY(token, readFile(file, 4096));
        token.erase(token.find_last_not_of(" \n") + 1);
        return token;
    }
    unsigned char bytes[32];
    if (::getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes))
        return fail(Code::Environment, "The system gave no random bytes.");
    const std::string token = fmt::format("{:02x}", fmt::join(bytes, ""));
    RATCHET_CHECK(writeFile(file, token + "\n", 0600));
    return token;
}

Result<Artifact> artifactOf(const OpenLab& lab, const Hash& hash)
{
    RATCHET_TRY(version, lab.store->version(hash));
    if (!version)
        return fail(Code::Damaged, fmt::format("Version {} has no record.", hash.brief()),
                    "Run ratchet check on this lab.");
    RATCHET_CHECK(checkName(*version));
    const ObjectStore objects(lab.paths.objects());
    Result<std::string> text = objects.get(version->genome);
    Status weights = objects.verify(version->weights);
    for (Error* missing : {text ? nullptr : &text.error(), weights ? nullptr : &weights.error()})
        if (missing && missing->code == Code::NotFound) // a part of the lab is gone
            missing->code = Code::Damaged;
    RATCHET_CHECK(text);
    RATCHET_CHECK(weights);
    RATCHET_TRY(genome, parseJson(*text, "the genome of version " + hash.brief()));
    return Artifact{hash.hex, genome, std::filesystem::absolute(objects.path(version->weights)).string()};
}

Result<Hash> liveVersion(const OpenLab& lab)
{
    RATCHET_TRY(live, lab.store->live());
    if (!live)
        return fail(Code::Refused, "Nothing is live in this lab yet.",
                    fmt::format("Run ratchet run {} first.", lab.paths.root.string()));
    return live->version;
}

// Serves until stopped or until the child ends.
class ServeSession {
public:
    ServeSession(OpenLab lab, const ServeOptions& options) : m_lab(std::move(lab)), m_options(options) {}

    Result<int> run()
    {
        RATCHET_TRY(token, serverToken(m_lab.paths));
        RATCHET_TRY(live, liveVersion(m_lab));
        RATCHET_TRY(supervisor, Supervisor::create(defaultLearner()));
        RATCHET_TRY(spec, childSpec(token, live));
        RATCHET_TRY(child, supervisor->start(std::move(spec), events()));
        m_version = live;
        const StopOnSignal signal([&] { supervisor->wake(); });
        while (!m_end && !signal.token().stop_requested()) {
            supervisor->runFor(std::chrono::milliseconds(500));
            RATCHET_CHECK(follow(*child));
        }
        if (m_end)
            return m_end->has_value() ? fail(Code::Failed, "The server ended by itself.", logHint())
                                      : m_failure.value_or(passOn(*m_end));
        child->send(Stop{});
        for (int i = 0; i < 20 && !m_end; ++i)
            supervisor->runFor(std::chrono::milliseconds(250));
        return 0;
    }

private:
    Result<ChildSpec> childSpec(const std::string& token, const Hash& live) const
    {
        RATCHET_TRY(artifact, artifactOf(m_lab, live));
        std::error_code error;
        const bool hasCorpus =
            std::filesystem::exists(m_lab.paths.corpus(), error) && !m_lab.config.corpusSource.empty();
        const std::string corpus = hasCorpus ? std::filesystem::absolute(m_lab.paths.corpus()).string() : "";
        ServeSpec first;
        first.domain = m_lab.config.domain;
        first.corpus = corpus;
        first.port = m_options.port;
        first.token = token;
        first.champion = artifact;
        RATCHET_TRY(tokenizer, labTokenizer(*m_lab.store, ObjectStore(m_lab.paths.objects())));
        first.tokenizer = std::move(tokenizer);
        ChildSpec spec;
        spec.role = "serve";
        spec.first = first;
        spec.log = m_lab.paths.work() / "serve.log";
        spec.limits.wall = std::chrono::hours(24 * 365);
        spec.limits.silence = std::chrono::hours(24 * 365);
        spec.sandbox.readable = {std::filesystem::absolute(m_lab.paths.objects())};
        if (hasCorpus)
            spec.sandbox.readable.emplace_back(corpus);
        spec.sandbox.network = true;
        return spec;
    }

    ChildEvents events()
    {
        return {.onMessage = [this](const Message& message) { handle(message); },
                .onEnd = [this](const Status& status, std::chrono::milliseconds, double) { m_end = status; }};
    }

    void handle(const Message& message)
    {
        if (const auto* listening = std::get_if<Listening>(&message))
            announce(listening->port);
        else if (const auto* failure = std::get_if<Failure>(&message))
            m_failure =
                fail(failure->code == "environment" ? Code::Environment : Code::Failed, failure->text, logHint());
        else if (const auto* feedback = std::get_if<FeedbackGiven>(&message))
            keep(*feedback);
    }

    void announce(int port) const
    {
        const std::string url = fmt::format("http://127.0.0.1:{}", port);
        const std::string token = (m_lab.paths.keys() / "server.token").string();
        if (m_options.json)
            printJson({{"url", url}, {"tokenFile", token}, {"version", m_version.hex}});
        else
            fmt::print("Serving version {} at {} (token in {}); Ctrl-C stops.\n"
                       "  curl -H \"Authorization: Bearer $(cat {})\" {}/v1/models\n",
                       m_version.brief(), url, token, token, url);
        std::fflush(stdout);
    }

    void keep(const FeedbackGiven& feedback) const
    {
        const Request request{"feedback",
                              "user:server",
                              {{"version", feedback.version},
                               {"prompt", feedback.prompt},
                               {"completion", feedback.completion},
                               {"correction", feedback.correction},
                               {"rating", feedback.rating}},
                              now()};
        if (const auto carried = carryOut(m_lab.paths.root, request); !carried)
            printError(carried.error());
    }

    // Another version went live: the child loads it.
    Status follow(Child& child)
    {
        RATCHET_TRY(live, liveVersion(m_lab));
        if (live == m_version)
            return {};
        RATCHET_TRY(artifact, artifactOf(m_lab, live));
        child.send(Load{artifact});
        m_version = live;
        if (!m_options.json)
            fmt::print("Version {} went live and is served now.\n", live.brief());
        std::fflush(stdout);
        return {};
    }

    [[nodiscard]] std::string logHint() const
    {
        return fmt::format("Its log is {}.", (m_lab.paths.work() / "serve.log").string());
    }

    OpenLab m_lab;
    ServeOptions m_options;
    Hash m_version;
    std::optional<Status> m_end;
    std::optional<tl::unexpected<Error>> m_failure;
};

Result<int> serve(const ServeOptions& options)
{
    RATCHET_TRY(lab, openLab(options.folder));
    RATCHET_CHECK(checkPort(options.port));
    return ServeSession(std::move(lab), options).run();
}

} // namespace

void addServeCommand(Commands& commands)
{
    const auto options = std::make_shared<ServeOptions>();
    CLI::App* command = commands.add("serve", "Serve the live version over HTTP on this machine only",
                                     [options] { return serve(*options); });
    command->add_option("DIR", options->folder, "Lab folder")->type_name("")->required();
    command->add_option("--port", options->port, "Port on 127.0.0.1; 0 takes a free one")
        ->type_name("P")
        ->check(between(0, 65535))
        ->capture_default_str();
    command->add_flag("--json", options->json, "Print JSON once it listens");
}

} // namespace ratchet
