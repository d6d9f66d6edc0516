// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/bench.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <memory>

#include <ATen/Parallel.h>

#include "core/genome/tokenizer.h"
#include "core/model/answerer.h"
#include "core/model/compat.h"
#include "core/model/linear.h"
#include "core/model/transformer.h"
#include "core/plugin/loader.h"
#include "core/trainer/batches.h"
#include "core/trainer/trainer.h"

namespace ratchet
{
namespace
{

constexpr double neverSpent = 4000; // steps the budget allows: far more than a bench takes
using Clock = std::chrono::steady_clock;

// What the first line names.
struct Case {
    std::string kind, domain, corpus, weights;
    int threads = 1, batches = 0, tokens = 0;
    std::uint64_t seed = 1;
    Placement placement;
    Json genome, tokenizer = nullptr; // null: the domain's alphabet
    std::vector<std::string> prompts;
};

Result<Case> caseFrom(const Json& json)
{
    Case read;
    std::string device = "cpu", precision = "fp32", kernels = "own";
    Fields fields(json, "A bench's case");
    fields.read("kind", read.kind).readIf("threads", read.threads).readIf("seed", read.seed);
    fields.readIf("domain", read.domain).readIf("corpus", read.corpus).readIf("genome", read.genome);
    fields.readIf("weights", read.weights).readIf("batches", read.batches);
    fields.readIf("tokens", read.tokens).readIf("prompts", read.prompts);
    fields.readIf("device", device).readIf("precision", precision).readIf("kernels", kernels).readIf("tokenizer", read.tokenizer);
    RATCHET_CHECK(fields.onlyKnown().status());
    if (read.threads < 1 || read.threads > 1024)
        return fail(Code::BadInput, "A bench's case has no sensible number of threads.");
    RATCHET_TRY(placement, placementOf(device, precision));
    read.placement = placement;
    RATCHET_TRY(chosen, kernelsOf(kernels));
    read.placement.kernels = chosen;
    read.placement.threads = read.threads;
    return read;
}

double processorSeconds()
{
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// One thing to measure; `run` does it `count` times and adds what it saw to its answer.
class Subject
{
public:
    virtual ~Subject() = default;
    [[nodiscard]] virtual Json facts() const { return Json::object(); }
    [[nodiscard]] virtual Result<Json> run(int count) = 0;
};

Result<std::unique_ptr<Domain>> domainOf(const Case& given)
{
    return loadDomain(given.domain, given.corpus);
}

class TrainSubject : public Subject
{
public:
    static Result<std::unique_ptr<Subject>> create(const Case& given)
    {
        auto subject = std::make_unique<TrainSubject>();
        RATCHET_TRY(domain, domainOf(given));
        RATCHET_TRY(genome, Genome::fromJson(given.genome));
        RATCHET_TRY(tokenizer, tokenizerOf(given.tokenizer, domain->info().alphabet));
        RATCHET_TRY(batches, Batches::create(genome, *domain, given.seed, {}, tokenizer));
        subject->m_domain = std::move(domain);
        subject->m_length = batches.length();
        subject->m_batch = genome.recipe.batch;
        subject->m_flops = trainingFlops(genome.architecture, tokenizer.vocabulary(), subject->m_length).value;
        TrainSpec spec;
        spec.seed = given.seed;
        spec.domain = given.domain;
        spec.corpus = given.corpus;
        spec.genome = given.genome;
        spec.tokenizer = given.tokenizer;
        spec.budgetFlops = neverSpent * subject->m_batch * subject->m_length * subject->m_flops;
        TrainEvents events;
        events.onPoints = [losses = &subject->m_losses](const Points& points) {
            for (const auto& [name, value] : points.values)
                if (name == "loss")
                    losses->push_back(value);
        };
        RATCHET_TRY(trainer, Trainer::create(spec, *subject->m_domain, std::move(events), given.placement));
        subject->m_trainer = std::move(trainer);
        return subject;
    }
    Json facts() const override { return {{"length", m_length}, {"flops", m_flops}}; }
    Result<Json> run(int count) override
    {
        m_losses.clear();
        RATCHET_TRY(more, m_trainer->advance(count));
        if (!more)
            return fail(Code::Failed, "The bench ran out of its training budget.", "Ask for fewer steps.");
        return Json{{"losses", m_losses}, {"tokens", std::int64_t(count) * m_batch * m_length}};
    }

private:
    std::unique_ptr<Domain> m_domain;
    std::vector<double> m_losses;
    std::unique_ptr<Trainer> m_trainer;
    int m_length = 0, m_batch = 0;
    double m_flops = 0;
};

std::string hexadecimal(const std::string& bytes)
{
    std::string text;
    for (const char byte : bytes)
        text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return text;
}

class GenerateSubject : public Subject
{
public:
    static Result<std::unique_ptr<Subject>> create(const Case& given)
    {
        auto subject = std::make_unique<GenerateSubject>();
        RATCHET_TRY(domain, domainOf(given));
        subject->m_domain = std::move(domain);
        RATCHET_TRY(genome, Genome::fromJson(given.genome));
        RATCHET_TRY(answerer, Answerer::load(genome, given.weights, *subject->m_domain, nullptr, given.placement));
        subject->m_answerer = std::move(answerer);
        subject->m_prompts = given.prompts;
        subject->m_options.maxTokens = given.tokens;
        return subject;
    }
    Result<Json> run(int count) override
    {
        std::int64_t tokens = 0;
        std::vector<std::string> texts;
        for (int i = 0; i < count; ++i) {
            RATCHET_TRY(answers, m_answerer->answer(m_prompts, m_options));
            texts.clear();
            for (const Answer& answer : answers) {
                tokens += answer.tokens;
                texts.push_back(hexadecimal(answer.completion));
            }
        }
        return Json{{"tokens", tokens}, {"texts", texts}};
    }

private:
    std::unique_ptr<Domain> m_domain;
    std::unique_ptr<Answerer> m_answerer;
    std::vector<std::string> m_prompts;
    AnswerOptions m_options;
};

// The best of many products by either library, so that a neighbour's burst does not lower what counts as the machine's peak.
class PeakSubject : public Subject
{
public:
    explicit PeakSubject(const Placement& placement)
    {
        const bool onCpu = placement.device.is_cpu();
        const auto options = at::device(placement.device)
                                 .dtype(placement.precision == Precision::BFloat16 ? at::kBFloat16 : at::kFloat);
        m_size = onCpu ? 1024 : 8192;
        m_left = at::rand({m_size, m_size}, options);
        m_right = at::rand({m_size, m_size}, options);
        m_product = at::empty({m_size, m_size}, options);
    }
    Result<Json> run(int count) override
    {
        double best = 0;
        for (int i = 0; i < count; ++i) {
            const Clock::time_point start = Clock::now();
            if (i % 2 == 0)
                at::mm_out(m_product, m_left, m_right);
            else
                m_product = linearMap(m_left, m_right);
            (void)m_product[0][0].item(); // waits for a device
            const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
            best = std::max(best, 2.0 * std::pow(static_cast<double>(m_size), 3) / seconds / 1e9);
        }
        return Json{{"gflops", best}, {"tokens", 0}};
    }

private:
    std::int64_t m_size = 0;
    at::Tensor m_left, m_right, m_product;
};

// Weights and batches as Trainer has them for this case, for a peer to start from.
Status prepare(const Case& given)
{
    RATCHET_TRY(domain, domainOf(given));
    RATCHET_TRY(genome, Genome::fromJson(given.genome));
    RATCHET_TRY(tokenizer, tokenizerOf(given.tokenizer, domain->info().alphabet));
    RATCHET_TRY(batches, Batches::create(genome, *domain, given.seed, {}, tokenizer));
    Transformer model(genome.architecture, tokenizer.vocabulary());
    model.initialise(Rng::stream(given.seed, "model").next());
    WeightsFile file;
    for (const TensorSlot& slot : model.layout()) {
        float* const values = model.flat().data_ptr<float>() + slot.offset;
        if (given.batches == 0 && slot.name == "embedding.token.weight")
            std::fill_n(values + std::int64_t(tokenizer.end()) * genome.architecture.width,
                        2 * genome.architecture.width, 0.0F); // the end token's and behind it the pad token's
        file.add(slot.name, "F32", slot.shape, values);
    }
    std::vector<at::Tensor> inputs, targets;
    for (int step = 0; step < given.batches; ++step) {
        RATCHET_TRY(batch, batches.draw(step, std::int64_t(neverSpent)));
        inputs.push_back(batch.inputs);
        targets.push_back(batch.targets);
    }
    if (given.batches > 0)
        for (const auto& [name, parts] : {std::pair{"bench.inputs", &inputs}, std::pair{"bench.targets", &targets}}) {
            const at::Tensor all = at::stack(*parts).contiguous();
            file.add(name, "I64", all.sizes().vec(), all.data_ptr<std::int64_t>());
        }
    return writeWeights(given.weights, file);
}

Result<std::unique_ptr<Subject>> subjectOf(const Case& given)
{
    if (given.kind == "train")
        return TrainSubject::create(given);
    if (given.kind == "generate")
        return GenerateSubject::create(given);
    if (given.kind == "peak")
        return std::make_unique<PeakSubject>(given.placement);
    if (given.kind != "prepare")
        return fail(Code::BadInput, fmt::format("There is no bench \"{}\".", given.kind));
    RATCHET_CHECK(prepare(given));
    return std::unique_ptr<Subject>();
}

// One process's end of the conversation.
class Lines
{
public:
    explicit Lines(int descriptor) : m_descriptor(descriptor) {}
    // False at the end of the stream.
    bool read(std::string& line)
    {
        for (std::size_t end = 0; (end = m_buffer.find('\n')) == std::string::npos;) {
            char bytes[4096];
            const ssize_t count = ::read(m_descriptor, bytes, sizeof bytes);
            if (count <= 0)
                return false;
            m_buffer.append(bytes, static_cast<std::size_t>(count));
        }
        line = m_buffer.substr(0, m_buffer.find('\n'));
        m_buffer.erase(0, line.size() + 1);
        return true;
    }
    bool write(const Json& answer) const
    {
        const std::string line = answer.dump() + "\n";
        for (std::size_t sent = 0; sent < line.size();) {
            const ssize_t count = ::send(m_descriptor, line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
            if (count <= 0)
                return false;
            sent += static_cast<std::size_t>(count);
        }
        return true;
    }

private:
    int m_descriptor;
    std::string m_buffer;
};

Result<std::unique_ptr<Subject>> subjectFrom(const std::string& line, Placement& placement)
{
    RATCHET_TRY(json, parseJson(line, "A line of the bench"));
    RATCHET_TRY(given, caseFrom(json));
    placement = given.placement;
    at::set_num_threads(given.threads);
    return subjectOf(given);
}

Result<Json> timed(Subject& subject, const std::string& line)
{
    RATCHET_TRY(json, parseJson(line, "A line of the bench"));
    int count = 0;
    RATCHET_CHECK(Fields(json, "A bench's request").read("run", count).onlyKnown().status());
    const double processor = processorSeconds();
    const Clock::time_point start = Clock::now();
    RATCHET_TRY(seen, subject.run(count));
    seen["seconds"] = std::chrono::duration<double>(Clock::now() - start).count();
    seen["cpu"] = processorSeconds() - processor;
    return seen;
}

int complain(const Lines& lines, const std::string& text)
{
    (void)lines.write({{"error", text}});
    return 1;
}

} // namespace

int benchMain(int descriptor)
{
    prepareProcess();
    Lines lines(descriptor);
    std::string line;
    if (!lines.read(line))
        return 0;
    try {
        Placement placement;
        const Result<std::unique_ptr<Subject>> subject = subjectFrom(line, placement);
        if (!subject)
            return complain(lines, subject.error().text);
        Json ready = *subject ? (*subject)->facts() : Json::object();
        ready["ready"] = true;
        ready["platform"] = computePlatform(placement);
        bool open = lines.write(ready);
        while (open && *subject && lines.read(line)) {
            const Result<Json> seen = timed(**subject, line);
            if (!seen)
                return complain(lines, seen.error().text);
            open = lines.write(*seen);
        }
        return 0;
    } catch (const std::exception& error) {
        return complain(lines, firstLine(error.what()));
    }
}

} // namespace ratchet
