// SPDX-License-Identifier: GPL-3.0-or-later
// The frames that pass between the engine and ratchet-learner, as typed values. Both sides use this one file.
// Every frame is {"type": ..., fields}; reading is strict: a missing field, a wrong type, NaN or infinity, a count out of
// range makes the whole frame BadInput, which the engine answers by ending the child. Plain values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/base/json.h"
#include "core/genome/genome.h"

namespace ratchet {

inline constexpr int protocolVersion = 4;

// A trained model on disk.
struct Artifact { std::string version; Json genome; std::string weights; };

// --- to a worker ---------------------------------------------------------------------------------------------------
struct TrainSpec {
    std::int64_t trial = 0;
    std::uint64_t seed = 0;
    std::string domain;
    std::string corpus;             // folder, empty when the domain has none
    Json genome;
    Json parentGenome;              // null for a seed model
    std::string parentWeights;      // safetensors file, empty for a seed model
    double budgetFlops = 0;
    std::string scratch;            // folder the worker may write: checkpoint.safetensors, weights.safetensors
    std::vector<Json> replay;       // questions of guide failures
    std::vector<Json> feedback;     // {"question": ..., "answer": "..."}
    double checkpointSeconds = 20;  // how often the exact state is kept; 0 never
    std::vector<Artifact> teachers; // of recipe.distillation, their probabilities averaged; empty is the parent
    Json tokenizer = nullptr;       // Tokenizer::toJson(); null: the domain's alphabet
    std::vector<Artifact> members;  // that an average, a soup or an ensemble is made of
    double memoryBytes = 0;         // what the worker may use: a training that needs more is refused; 0: no limit
    std::vector<Json> preferences = {};   // {"question": ..., "chosen": "...", "rejected": "..."}: answers of which users prefer one
    double proxy = 0;               // share of the budget after which it sends Proxy and waits for Proceed or Stop; 0: never
    std::string parentMoments = {}; // of a recipe that carries them: what the parent's optimizer held at its end; empty: nothing was kept
    bool keepsMoments = false;      // the worker writes scratch/moments.safetensors where there are any
};

// --- to a judge ----------------------------------------------------------------------------------------------------
struct JudgeSpec {
    std::string domain, corpus;
    std::string closedFolder;       // LAB/judge: holds `secret`, which only the judge reads
    std::int64_t question = 0;      // number of the comparison; fresh items for every number
    Artifact champion, challenger;  // challenger.version may be empty: only the champion is measured
    std::vector<Json> feedback;     // user-corrected items to judge by: {"question": ..., "answer": ...}
    Json tokenizer = nullptr;       // as a worker's
};
// Score `count` more items of a suite. Items continue where the last Ask of this suite and split ended.
struct Ask { std::string suite; std::string split; int count = 0; };   // split: guide | gate | vault; suite "feedback" too

// --- to a server ---------------------------------------------------------------------------------------------------
struct ServeSpec { std::string domain, corpus, host = "127.0.0.1"; int port = 0; std::string token; Artifact champion; Json tokenizer = nullptr; };
struct Load { Artifact champion; };

// --- to a reward model -----------------------------------------------------------------------------------------------
// One piece of work of a model of what is a right answer (core/critic/tensor/reward.h).
struct RewardSpec {
    std::string task;               // learn | grade | score
    std::string domain, corpus;
    Json tokenizer = nullptr;       // as a worker's
    std::uint64_t seed = 0;
    std::vector<Artifact> versions; // whose answers are looked at; learning starts from the weights of the first
    Artifact model;                 // the reward model; its version is empty when it is to be learnt
    std::vector<Json> feedback;     // learn: answers that people graded: {"question": ..., "answer": "...", "right": true}
    int items = 0;                  // prompts to grade or score on
    double budgetFlops = 0;
    double memoryBytes = 0;         // as a worker's
    std::string scratch;            // learn: folder it may write: reward.safetensors
};

struct Proceed {};                  // to a worker that waits with its Proxy: train on
struct Stop {};                     // end politely; also sent to a worker to cancel (it keeps a checkpoint)

// --- from every child ----------------------------------------------------------------------------------------------
struct Hello { int protocol = protocolVersion; std::string version, role; int pid = 0; Json sandbox; Json platform; };
struct Failure { std::string code, text; };   // the child then exits with status 1
[[nodiscard]] Failure failureOf(const Error& error);   // its hint behind its text

// --- from a worker -------------------------------------------------------------------------------------------------
struct Progress { std::int64_t step = 0, tokens = 0; double flops = 0, fraction = 0, loss = 0; std::string stage; double secondsLeft = 0; };   // secondsLeft: 0 while unknown
struct Points { std::int64_t step = 0; std::vector<std::pair<std::string, double>> values; };   // "loss", "gradient-norm", "learning-rate"
// Statistics of a probe batch. layer: "embedding", "block.0.attention", "block.0.feed-forward", ..., "head".
// values: mean, std, rms, maximum, zeroShare, gradientRms, weightRms. histogram: 32 equal bins over +-4 std, counts.
struct LayerStatistics { std::string layer; std::vector<std::pair<std::string, double>> values; std::vector<std::int64_t> histogram; };
struct Observation { std::int64_t step = 0; std::vector<LayerStatistics> layers; Json attention; };   // attention: optional maps
struct Trained {
    std::string weights;
    std::int64_t steps = 0, tokens = 0, length = 0;
    double flops = 0, seconds = 0, finalLoss = 0, peakBytes = 0;
    Json selfTraining;
    Json data;                      // what became of the pools: {"duplicates", "contaminated"} items left out; null without pools
    double observationSeconds = 0;  // CPU time of the probes
    Json preference = nullptr;      // what the preference loss learnt from; null without one
    Json population = nullptr;      // what a population did, replayable; null without one
    std::string moments = {};       // what the optimizer held at the end; empty when not asked for, or when there is nothing to go on from
    Json surgery = nullptr;         // how the parent's weights became the first ones: {"keepsFunction", "note", "moments"}; null where they did not
};
// What a training was worth when TrainSpec::proxy of its budget was spent: mean score on `items` training items (core/plugin/proxy.h), asked for `flops`.
struct Proxy { std::int64_t step = 0; double score = 0, loss = 0, flops = 0; int items = 0; };

// --- from a judge --------------------------------------------------------------------------------------------------
struct Check { std::string name; bool ok = false; std::string detail; };
struct Integrity { std::vector<Check> checks; Json files; };      // before any score
struct Sample { Json question; std::string prompt, expected, champion, challenger, championClass, challengerClass; double championConfidence = 0, challengerConfidence = 0; };
// Scores in item order, higher is better, 0 .. 1 (bits per byte b becomes 1 - b / 8), and beside each the probability that the
// model gave its answer; without confidences the lists are empty. Guide and vault answers carry samples; gate answers never
// do, but count failure classes.
struct Scores {
    std::string suite, split;
    std::vector<double> champion, challenger;
    Json championClasses = Json::object(), challengerClasses = Json::object();
    std::vector<Sample> samples;
    double seconds = 0, flops = 0;
    std::vector<double> championConfidence = {}, challengerConfidence = {};
};

// --- from a reward model ---------------------------------------------------------------------------------------------
// An answer that was not learnt from: how probably it is right, whether it is by the domain's checker, and how sure the version was.
struct Verified { double predicted = 0; bool right = false; std::string failureClass; double confidence = 0; };
// Of learn and grade. `answers`: one of each item held out, for learn; `items` and `shown` count what was learnt from.
struct Graded {
    std::string weights;            // learn: the file; empty when nothing can be learnt
    std::string nothing;            // why not, one sentence
    int items = 0, shown = 0, right = 0, unreadable = 0, steps = 0;
    std::vector<Verified> answers;
    double flops = 0;
};
// Of score: mean probability of each version's answers to the same prompts, as RewardSpec::versions has them.
struct Rewards { std::vector<double> means; int items = 0; double flops = 0; };

// --- from a server -------------------------------------------------------------------------------------------------
struct Listening { int port = 0; };
struct Served { std::string version, prompt, completion; double seconds = 0; };
struct FeedbackGiven { std::string version, prompt, completion, correction; double rating = 0; };   // rating -1 .. 1

using Message = std::variant<TrainSpec, JudgeSpec, Ask, ServeSpec, Load, RewardSpec, Proceed, Stop, Hello, Failure, Progress, Points, Observation,
                             Proxy, Trained, Integrity, Scores, Graded, Rewards, Listening, Served, FeedbackGiven>;

[[nodiscard]] Json toJson(const Message& message);
[[nodiscard]] Result<Message> messageFromJson(const Json& json);

} // namespace ratchet
