// SPDX-License-Identifier: GPL-3.0-or-later
// One Process per child: a socket that is read and written, a pidfd that tells the end, a timer that checks the limits.
// Whatever is wrong first becomes the cause; the tree is killed; onEnd follows when the process is gone and its last
// bytes are read.
#include "core/launch/child.h"

#include <utility>

#include <boost/asio.hpp>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <fcntl.h>
#include <optional>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/units.h"
#include "core/launch/frame.h"
#include "core/launch/process_tree.h"
#include "core/launch/spawn.h"

namespace ratchet {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds pollTime{200};
constexpr milliseconds lastWords{2000};                     // for bytes still in the socket after the process ended
constexpr milliseconds ending{5000};                        // for a process that has closed its connection
constexpr std::size_t mostUnsent = std::size_t(256) << 20;
constexpr int mostAtOnce = 100;                             // events: one flooding child must not hold the engine
constexpr off_t mostLog = off_t(64) << 20;
constexpr double cudaDriverBytes = 8e9;                     // that CUDA's libraries and driver may map into a process

milliseconds since(SteadyClock::time_point start)
{
    return std::chrono::duration_cast<milliseconds>(SteadyClock::now() - start);
}

Code codeFrom(const std::string& name)
{
    for (int i = 0; i <= static_cast<int>(Code::Cancelled); ++i)
        if (codeName(static_cast<Code>(i)) == name)
            return static_cast<Code>(i);
    return Code::Failed;
}

// Shared because every pending asio handler keeps its process alive while the owner may let go of it at any time.
class Process : public std::enable_shared_from_this<Process> {
public:
    Process(std::shared_ptr<asio::io_context> context, ChildSpec spec, ChildEvents events, int level, bool& delivered)
        : m_context(std::move(context)), m_socket(*m_context), m_exit(*m_context), m_timer(*m_context), m_spec(std::move(spec)),
          m_events(std::move(events)), m_level(level), m_delivered(delivered)
    {
    }

    void begin(Spawned spawned)
    {
        m_pid = spawned.pid;
        m_socket.assign(asio::local::stream_protocol(), spawned.channel.release());
        m_socket.non_blocking(true);
        m_exit.assign(spawned.process.release());
        m_started = m_heard = SteadyClock::now();
        read();
        m_exit.async_wait(asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](error_code error) { error ? void() : self->reap(); });
        tick();
    }

    void send(const Message& message)
    {
        if (m_exited || m_abandoned || !m_socket.is_open())
            return;
        if (!m_greeted)
            return m_early.push_back(message);   // the first message comes first
        m_unsent.push_back(encodeFrame(message));
        m_unsentBytes += m_unsent.back().size();
        if (m_unsentBytes > mostUnsent)
            endWith(Code::Failed, "{} does not read what it is sent.");
        else if (m_unsent.size() == 1)
            write();
    }
    // Kills the tree; the first cause is the one that is told.
    void endWith(Code code, const std::string& sentence, const std::string& hint = {})
    {
        if (m_exited)
            return;
        if (!m_cause)
            m_cause = Error{code, fmt::format(fmt::runtime(sentence), name()), hint};
        killTree(m_pid);
    }
    void abandon()
    {
        m_abandoned = true;
        if (!m_exited)
            killTree(m_pid);
    }
    // For the supervisor's end: no event loop will run any more.
    void reapNow()
    {
        abandon();
        if (!m_exited && m_pid > 0)
            while (::waitpid(m_pid, nullptr, 0) < 0 && errno == EINTR) {}
        m_exited = true;
        close();
    }
    [[nodiscard]] bool isOver() const { return m_ended; }
    [[nodiscard]] int pid() const { return m_pid; }

private:
    std::string name() const { return m_spec.role == "serve" ? "The server" : m_spec.role == "reward" ? "The reward model" : "The " + m_spec.role; }

    void read()
    {
        m_socket.async_read_some(asio::buffer(m_bytes), [self = shared_from_this()](error_code error, std::size_t count) {
            if (error == asio::error::operation_aborted)
                return;
            if (error)
                self->endOfStream();
            else if (self->take({self->m_bytes.data(), count}))
                self->read();
            else
                self->drain();
        });
    }
    // After nonsense: only the end of the stream is of interest.
    void drain()
    {
        m_socket.async_read_some(asio::buffer(m_bytes), [self = shared_from_this()](error_code error, std::size_t) {
            if (error && error != asio::error::operation_aborted)
                self->endOfStream();
            else if (!error)
                self->drain();
        });
    }
    // False when no more frames are to be read.
    bool take(std::string_view bytes)
    {
        m_reader.append(bytes);
        while (!m_cause && !m_abandoned) {
            auto next = m_reader.next();
            if (!next) {
                endWith(Code::Failed, fmt::format("{{}} sent nonsense: {}", escaped(next.error().text)));
                return false;
            }
            if (!*next)
                return true;
            m_heard = SteadyClock::now();
            if (++m_frames > m_spec.limits.frames)
                endWith(Code::Failed, fmt::format("{{}} sent more than {} messages.", m_spec.limits.frames));
            else
                handle(**next);
        }
        return false;
    }
    static std::string escaped(std::string text)
    {
        for (std::size_t at = 0; (at = text.find_first_of("{}", at)) != std::string::npos; at += 2)
            text.insert(at, 1, text[at]);
        return text;
    }
    void handle(const Message& message)
    {
        const auto* hello = std::get_if<Hello>(&message);
        if (!m_greeted && !hello)
            return endWith(Code::Failed, "{} spoke before it said who it is.");
        if (hello && !greet(*hello))
            return;
        if (const auto* failure = std::get_if<Failure>(&message))
            m_failure = *failure;
        m_delivered = true;
        if (m_events.onMessage)
            m_events.onMessage(message);
    }
    bool greet(const Hello& hello)
    {
        if (m_greeted || hello.role != m_spec.role)
            return endWith(Code::Failed, "{} said twice or wrongly who it is."), false;
        if (hello.version != RATCHET_VERSION || hello.protocol != protocolVersion) {
            endWith(Code::Environment, escaped(fmt::format("ratchet-learner is version {}, this is {}.", hello.version, RATCHET_VERSION)),
                    "Build both from one source tree: installer/bootstrap build.");
            return false;
        }
        const int level = hello.sandbox.is_object() && hello.sandbox.contains("level") && hello.sandbox["level"].is_number_integer()
                              ? hello.sandbox["level"].get<int>() : 0;
        if (level < m_spec.sandbox.required) {
            endWith(Code::Environment, fmt::format("{{}} reached only sandbox level {}, but {} is required.", level, m_spec.sandbox.required),
                    "Run `ratchet doctor` to see what is missing.");
            return false;
        }
        m_greeted = true;
        send(m_spec.first);
        for (const Message& message : std::exchange(m_early, {}))
            send(message);
        checkMemory();
        return true;
    }

    void write()
    {
        asio::async_write(m_socket, asio::buffer(m_unsent.front()), [self = shared_from_this()](error_code error, std::size_t) {
            self->m_unsentBytes -= self->m_unsent.front().size();
            self->m_unsent.pop_front();
            if (error)
                self->m_unsent.clear();
            else if (!self->m_unsent.empty())
                self->write();
        });
    }

    void endOfStream()
    {
        m_streamEnded = true;
        if (m_exited)
            return finish();
        m_streamEndedAt = SteadyClock::now();
    }
    void reap()
    {
        while (::waitpid(m_pid, &m_status, 0) < 0)
            if (errno != EINTR) {
                m_status = -1;
                break;
            }
        m_exited = true;
        m_wall = since(m_started);
        if (m_streamEnded)
            return finish();
        // Someone it started may still hold the other end; its words no longer matter after a while.
        m_timer.expires_after(lastWords);
        m_timer.async_wait([self = shared_from_this()](error_code error) { error ? void() : self->finish(); });
    }
    void finish()
    {
        if (std::exchange(m_ended, true))
            return;
        close();
        if (m_abandoned || !m_events.onEnd)
            return;
        m_delivered = true;
        m_events.onEnd(outcome(), m_wall, m_peak);
    }
    void close()
    {
        error_code ignored;
        m_socket.close(ignored);
        m_exit.close(ignored);
        m_timer.cancel();
    }
    Status outcome() const
    {
        const std::string hint = m_spec.log.empty() ? "" : fmt::format("Its last words are in {}.", m_spec.log.string());
        if (m_cause)
            return tl::unexpected(*m_cause);
        if (m_failure)
            return fail(codeFrom(m_failure->code), m_failure->text, hint);
        if (m_status == -1)
            return fail(Code::Failed, name() + " ended and nobody knows how.", hint);
        // bubblewrap hands a signal on as 128 + its number, as a shell does.
        const int status = WIFEXITED(m_status) ? WEXITSTATUS(m_status) : 0;
        const int signal = WIFSIGNALED(m_status) ? WTERMSIG(m_status) : m_level >= 2 && status > 128 ? status - 128 : 0;
        if (signal > 0)
            return fail(Code::Failed, fmt::format("{} was killed by signal {}.", name(), signal), hint);
        if (status != 0)
            return fail(Code::Failed, fmt::format("{} ended with exit status {}.", name(), status), hint);
        if (!m_greeted)
            return fail(Code::Failed, name() + " ended before it said a word.", hint);
        return {};
    }

    void tick()
    {
        if (m_exited)
            return;
        checkMemory();
        checkTime();
        checkLog();
        const auto next = std::min({pollTime, m_spec.limits.wall - since(m_started), m_spec.limits.silence - since(m_heard)});
        m_timer.expires_after(std::clamp(next, milliseconds(1), pollTime));
        m_timer.async_wait([self = shared_from_this()](error_code error) { error ? void() : self->tick(); });
    }
    void checkMemory()
    {
        const ProcessMemory memory = memoryOf(processTree(m_pid));
        m_peak = std::max({m_peak, memory.resident, memory.peak});
        if (memory.resident > m_spec.limits.memoryBytes)
            endWith(Code::Failed, fmt::format("{{}} used {} of memory, more than its limit of {}.", toTextBytes(memory.resident),
                                              toTextBytes(m_spec.limits.memoryBytes)));
    }
    void checkTime()
    {
        const auto& limits = m_spec.limits;
        int unread = 0;   // the engine itself may have been busy: what waits in the socket is no silence
        if (since(m_started) >= limits.wall)
            endWith(Code::Failed, fmt::format("{{}} ran longer than {}.", toText(limits.wall)));
        else if (since(m_heard) >= limits.silence && (::ioctl(m_socket.native_handle(), FIONREAD, &unread) != 0 || unread == 0))
            endWith(Code::Failed, fmt::format("{{}} said nothing for {}.", toText(limits.silence)));
        else if (m_streamEnded && since(m_streamEndedAt) >= ending)
            endWith(Code::Failed, "{} closed its connection and went on.");
    }
    void checkLog()
    {
        struct stat info{};
        if (!m_spec.log.empty() && ::stat(m_spec.log.c_str(), &info) == 0 && info.st_size > mostLog)
            endWith(Code::Failed, fmt::format("{{}} wrote more than {} into its log.", toTextBytes(double(mostLog))));
    }

    std::shared_ptr<asio::io_context> m_context;   // shared: a handle may be kept longer than the supervisor
    asio::local::stream_protocol::socket m_socket;
    asio::posix::stream_descriptor m_exit;
    asio::steady_timer m_timer;
    ChildSpec m_spec;
    ChildEvents m_events;
    int m_level;
    bool& m_delivered;                       // the supervisor's: a callback ran
    pid_t m_pid = 0;
    std::array<char, 1 << 16> m_bytes{};
    FrameReader m_reader;
    std::vector<Message> m_early;            // sent before the child said Hello
    std::deque<std::string> m_unsent;
    std::size_t m_unsentBytes = 0, m_frames = 0;
    SteadyClock::time_point m_started, m_heard, m_streamEndedAt;
    std::optional<Error> m_cause;
    std::optional<Failure> m_failure;
    int m_status = 0;
    milliseconds m_wall{0};
    double m_peak = 0;
    bool m_greeted = false, m_streamEnded = false, m_exited = false, m_ended = false, m_abandoned = false;
};

class Handle : public Child {
public:
    explicit Handle(std::shared_ptr<Process> process) : m_process(std::move(process)) {}
    ~Handle() override { m_process->abandon(); }
    void send(const Message& message) override { m_process->send(message); }
    void kill() override { m_process->endWith(Code::Cancelled, "{} was stopped."); }
    [[nodiscard]] int pid() const override { return m_process->pid(); }

private:
    std::shared_ptr<Process> m_process;
};

class AsioSupervisor : public Supervisor {
public:
    AsioSupervisor(std::filesystem::path learner, std::vector<std::string> arguments, bool onCuda)
        : m_learner(std::move(learner)), m_arguments(std::move(arguments)), m_onCuda(onCuda), m_work(asio::make_work_guard(*m_context)),
          m_probe(*m_context, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0))
    {
        accept();
    }
    ~AsioSupervisor() override
    {
        for (const auto& process : m_processes)
            process->reapNow();
        error_code ignored;
        m_probe.close(ignored);
        m_context->poll();   // lets go of the cancelled handlers and what they hold
    }

    Result<std::unique_ptr<Child>> start(ChildSpec spec, ChildEvents events) override
    {
        std::erase_if(m_processes, [](const auto& process) { return process->isOver(); });
        std::vector<std::string> arguments = m_arguments;
        arguments.push_back(spec.role);
        spec.sandbox.cuda = m_onCuda;
        spec.limits.memoryBytes += m_onCuda ? cudaDriverBytes : 0;
        RATCHET_TRY(command, wrapCommand(spec.sandbox, m_learner, arguments));
        command.environment.push_back(fmt::format("RATCHET_PROBE_PORT={}", m_probe.local_endpoint().port()));
        RATCHET_TRY(spawned, spawn(command, spec.log));
        const pid_t pid = spawned.pid;
        try {
            auto process = std::make_shared<Process>(m_context, std::move(spec), std::move(events), command.level, m_delivered);
            process->begin(std::move(spawned));
            m_processes.push_back(process);
            return std::make_unique<Handle>(process);
        } catch (const std::exception& error) {
            killTree(pid);
            ::waitpid(pid, nullptr, 0);
            return fail(Code::Environment, fmt::format("A child cannot be watched: {}.", error.what()));
        }
    }

    bool runFor(milliseconds time) override
    {
        const auto deadline = SteadyClock::now() + time;
        m_delivered = false;
        do
            m_context->run_one_until(deadline);
        while (!m_delivered && SteadyClock::now() < deadline);
        for (int i = 0; i < mostAtOnce && m_context->poll_one() > 0; ++i) {}
        return m_delivered;
    }

    void wake() override
    {
        asio::post(*m_context, [this] { m_delivered = true; });
    }

private:
    // Children try to connect here and report whether they could.
    void accept()
    {
        m_probe.async_accept([this](error_code error, const asio::ip::tcp::socket&) {
            if (!error)
                accept();
        });
    }

    std::filesystem::path m_learner;
    std::vector<std::string> m_arguments;
    bool m_onCuda = false;
    std::shared_ptr<asio::io_context> m_context = std::make_shared<asio::io_context>(1);
    asio::executor_work_guard<asio::io_context::executor_type> m_work;
    asio::ip::tcp::acceptor m_probe;
    bool m_delivered = false;
    std::vector<std::shared_ptr<Process>> m_processes;   // with the pending handlers, which may outlive a handle
};

} // namespace

Result<std::unique_ptr<Supervisor>> Supervisor::create(std::filesystem::path learner, std::vector<std::string> arguments,
                                                       const LearnerDevice& device)
{
    if (::access(learner.c_str(), X_OK) != 0 || std::filesystem::is_directory(learner))
        return fail(Code::Environment, fmt::format("There is no program {}.", learner.string()),
                    "Build it with installer/bootstrap build, or set RATCHET_LEARNER to where ratchet-learner is.");
    try {
        const std::vector<std::string> more = device.arguments();
        arguments.insert(arguments.end(), more.begin(), more.end());
        return std::make_unique<AsioSupervisor>(std::move(learner), std::move(arguments), device.isCuda());
    } catch (const std::exception& error) {
        return fail(Code::Environment, fmt::format("Children cannot be watched on this machine: {}.", error.what()));
    }
}

std::filesystem::path defaultLearner()
{
    if (const char* named = std::getenv("RATCHET_LEARNER"); named && *named)
        return named;
    const auto beside = programFolder() / "ratchet-learner";
    const auto inBin = (programFolder() / ".." / "bin" / "ratchet-learner").lexically_normal();
    std::error_code error;
    return !std::filesystem::exists(beside, error) && std::filesystem::exists(inBin, error) ? inBin : beside;
}

} // namespace ratchet
