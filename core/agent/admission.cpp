// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/admission.h"

#include "core/genome/cost.h"
#include "core/plugin/loader.h"

namespace ratchet {
namespace {

// A version that a genome names, with the genome it has.
struct Named {
    Artifact artifact;
    Genome genome;
};

// `role` is "teacher" or "member".
Result<Named> namedVersion(const Context& context, const std::string& name, const char* role, const Genome& child)
{
    RATCHET_TRY(version, context.store->version(Hash{name}));
    if (!version)
        return fail(Code::Refused, fmt::format("The genome names {} as a {}, which is no version of this lab.", Hash{name}.brief(), role),
                    "`ratchet versions` lists them.");
    if (version->tokenizer != context.tokenizer)
        return fail(Code::Refused, fmt::format("The {} {} has another tokenizer than this lab trains with.", role, Hash{name}.brief()),
                    "Choose a version with the lab's own tokenizer.");
    RATCHET_TRY(artifact, context.artifact(version->hash));
    RATCHET_TRY(genome, Genome::fromJson(artifact.genome));
    if (genome.reasoning.format != child.reasoning.format)
        return fail(Code::Refused,
                    fmt::format("The {} {} writes answers in the format \"{}\", the candidate in \"{}\".", role, Hash{name}.brief(),
                                genome.reasoning.format, child.reasoning.format),
                    "Keep /reasoning/format, or name versions that have the same.");
    return Named{std::move(artifact), std::move(genome)};
}

Status addTeachers(Sources& sources, const Context& context, const Genome& child)
{
    RATCHET_TRY(length, context.rowLength(child));
    for (const std::string& name : child.recipe.teachers) {
        RATCHET_TRY(teacher, namedVersion(context, name, "teacher", child));
        if (teacher.genome.architecture.context < length)
            return fail(Code::Refused,
                        fmt::format("The teacher {} reads {} tokens, but the candidate trains on rows of {}.", Hash{name}.brief(),
                                    teacher.genome.architecture.context, length),
                        "Choose teachers with a longer context or an easier mixture.");
        sources.teachers.push_back(std::move(teacher.artifact));
        for (const Architecture& model : teacher.genome.models())
            sources.taught.push_back(model);
    }
    return {};
}

Status addMembers(Sources& sources, const Context& context, const Genome& child)
{
    const auto shapeOf = [](const Genome& genome) { return genome.toJson().at("architecture"); };
    for (const std::string& name : child.recipe.members) {
        RATCHET_TRY(member, namedVersion(context, name, "member", child));
        if (member.genome.recipe.isEnsemble())
            return fail(Code::Refused, fmt::format("The member {} is an ensemble itself.", Hash{name}.brief()), "Name its members instead.");
        if (shapeOf(member.genome) != shapeOf(child))
            return fail(Code::Refused, fmt::format("The member {} has another architecture than the {}.", Hash{name}.brief(),
                                                   child.recipe.isEnsemble() ? "ensemble" : "average"),
                        "Name versions of one architecture, and leave /architecture as theirs.");
        sources.members.push_back(std::move(member.artifact));
    }
    return {};
}

Result<Sources> sourcesOf(const Context& context, const Genome& parent, const Genome& child)
{
    Sources sources;
    if (!child.recipe.teachers.empty())
        RATCHET_CHECK(addTeachers(sources, context, child));
    RATCHET_CHECK(addMembers(sources, context, child));
    if (child.recipe.distillation > 0 && sources.taught.empty())
        sources.taught = parent.models();
    sources.frozen = child.recipe.preference > 0 ? parent.models() : sources.taught;
    return sources;
}

// Pairs are compared with what the parent thinks of them, token by token.
Status comparesWith(const Genome& parent, const Genome& child)
{
    if (child.recipe.preference == 0)
        return {};
    if (parent.recipe.isEnsemble())
        return fail(Code::Refused, "A candidate with /recipe/preference compares with its parent, which is an ensemble here.",
                    "Start from a model alone, or set /recipe/preference to 0.");
    if (parent.reasoning.format == child.reasoning.format)
        return {};
    return fail(Code::Refused,
                fmt::format("A candidate with /recipe/preference has to answer as its parent does, but /reasoning/format is \"{}\" instead of \"{}\".",
                            child.reasoning.format, parent.reasoning.format),
                "Keep /reasoning/format, or set /recipe/preference to 0.");
}

// The least a trial does, in steps: one when anything trains, half of one for finding pairs and looking at them, and in a population
// one and a look of every member in each generation. What is made of members looks at its loss (core/trainer/averaging.h): an
// average once, an ensemble once with every member, a soup at each member and each average that it tries. A look is a forward pass.
double leastSteps(const Recipe& recipe)
{
    const auto members = static_cast<double>(recipe.members.size());
    const double looks = recipe.start == "soup" ? 2 * members - 1 : recipe.isEnsemble() ? members : recipe.isAverage() ? 1 : 0;
    if (recipe.isPopulation())
        return recipe.population * recipe.generations * (1 + 1.0 / 3);
    return (recipe.trains() ? 1 : 0) + (recipe.preference > 0 ? 0.5 : 0) + looks / 3;
}

} // namespace

Status fitsContext(const Domain& domain, const DomainInfo& info, const Genome& genome, bool begins)
{
    if (info.measure == Measure::BitsPerByte)
        return {};
    RATCHET_TRY(longest, guarded(info.name, [&] { return domain.longestExample(genome.data, genome.reasoning) + begins; }));
    if (longest <= genome.architecture.context)
        return {};
    return fail(Code::Refused, fmt::format("The longest example has {} tokens, but the model reads {}.", longest, genome.architecture.context),
                "Raise /architecture/context, or choose a shorter answer format, an easier mixture or shorter questions.");
}

Result<Sources> admit(const Context& context, const Genome& parent, const Genome& child)
{
    RATCHET_CHECK(fitsContext(*context.domain, context.info, child, context.tokenizerJson.is_object() && context.tokenizerJson.value("alwaysBegins", false)));
    RATCHET_CHECK(comparesWith(parent, child));
    RATCHET_TRY(sources, sourcesOf(context, parent, child));
    RATCHET_TRY(step, context.stepPrice(child, sources.taught));
    const Flops least{leastSteps(child.recipe) * step.value};
    if (context.config.trialBudget < least)
        return fail(Code::Refused,
                    fmt::format("A trial's budget of {} does not pay for the {} that this genome takes at least.",
                                toText(context.config.trialBudget), toText(least)),
                    "Choose a smaller model, a smaller /recipe/batch, or fewer teachers, members or generations.");
    RATCHET_TRY(length, context.rowLength(child));
    RATCHET_CHECK(fitsMemory(child, context.vocabulary, length, context.memoryBytes, sources.frozen, context.threads));
    return sources;
}

Result<Estimate> estimate(const Context& context, const Genome& parent, const Genome& child)
{
    RATCHET_TRY(sources, admit(context, parent, child));
    RATCHET_TRY(length, context.rowLength(child));
    RATCHET_TRY(step, context.stepPrice(child, sources.taught));
    const double share = child.recipe.isAverage() ? child.recipe.fineTuning : 1;
    return Estimate{parameterCount(child, context.vocabulary), step,
                    child.recipe.trains() ? share * context.config.trialBudget.value / step.value : 0,
                    learnerBytes + trainingMemory(child, context.vocabulary, length, sources.frozen, context.threads).bytes()};
}

} // namespace ratchet
