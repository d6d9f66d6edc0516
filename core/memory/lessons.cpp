// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/memory/lessons.h"

#include <algorithm>
#include <cmath>

namespace ratchet {
namespace {

constexpr double priorPrecision = 1 / (priorGainDeviation * priorGainDeviation);

// Kish's effective number of measurements, (sum w)^2 / sum w^2, for each unit of their weight: 1 when none weighs more than 1.
double effectiveShare(const LessonRecord& lesson)
{
    return lesson.weightSquares > 0 ? lesson.weight / lesson.weightSquares : 1;
}

} // namespace

LessonRecord learn(const LessonRecord& before, const LessonEvidence& evidence, Time now)
{
    LessonRecord after = before;
    after.family = evidence.family;
    after.operatorName = evidence.operatorName;
    after.tried += 1;
    after.cost += evidence.cost;
    after.updated = now;
    if (evidence.failed) {
        after.failed += 1;
        return after;
    }
    after.accepted += evidence.accepted ? 1 : 0;
    const double weight = 1 / evidence.propensity;
    after.weight += weight;
    after.weightSquares += weight * weight;
    const double share = effectiveShare(after), rescaled = share / effectiveShare(before);      // of what was measured before
    const double noise = (evidence.standardError * evidence.standardError + seedDeviation * seedDeviation) / (weight * share);
    const double known = 1 / before.varianceGain;
    const double precision = known + (rescaled - 1) * (known - priorPrecision) + 1 / noise;
    after.meanGain = (rescaled * before.meanGain / before.varianceGain + evidence.gain / noise) / precision;
    after.varianceGain = 1 / precision;
    const int measured = after.tried - after.failed;
    after.predictedError += (evidence.predicted - evidence.gain - before.predictedError) / measured;
    return after;
}

LessonRecord lessonOn(const std::vector<LessonRecord>& lessons, const std::string& family, const std::string& operatorName)
{
    const auto found = std::find_if(lessons.begin(), lessons.end(), [&](const LessonRecord& lesson) {
        return lesson.family == family && lesson.operatorName == operatorName;
    });
    if (found != lessons.end())
        return *found;
    LessonRecord fresh;
    fresh.family = family;
    fresh.operatorName = operatorName;
    fresh.varianceGain = priorGainDeviation * priorGainDeviation;
    return fresh;
}

double shrinkage(const LessonRecord& lesson)
{
    return lesson.replicated > 0 && lesson.nominalGain > 0 ? std::clamp(lesson.replicatedGain / lesson.nominalGain, 0.0, 1.0) : 1;
}

double expectedGain(const LessonRecord& lesson)
{
    return lesson.meanGain * (lesson.meanGain > 0 ? shrinkage(lesson) : 1);
}

double drawGain(const LessonRecord& lesson, Rng& rng)
{
    return expectedGain(lesson) + std::sqrt(lesson.varianceGain) * rng.normal();
}

} // namespace ratchet
