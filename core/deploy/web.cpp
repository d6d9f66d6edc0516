// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/deploy/web.h"

#include <algorithm>

#include "core/base/hash.h"

namespace ratchet {
namespace {

constexpr std::size_t longestText = 32768;

struct Route { const char* target; const char* method; bool open; };
constexpr Route routes[] = {{"/healthz", "GET", true},
                            {"/v1/models", "GET", false},
                            {"/v1/completions", "POST", false},
                            {"/v1/feedback", "POST", false}};

std::string lower(std::string text)
{
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

bool isOwnHost(const std::string& host, int port)
{
    return lower(host) == fmt::format("127.0.0.1:{}", port) || lower(host) == fmt::format("localhost:{}", port);
}

bool isOwnOrigin(const std::string& origin, int port)
{
    return origin.starts_with("http://") && isOwnHost(origin.substr(7), port);
}

Status checkText(const std::string& name, const std::string& text)
{
    if (text.size() > longestText)
        return fail(Code::BadInput, fmt::format("\"{}\" is longer than {} bytes.", name, longestText));
    return {};
}

// OpenAI's clients send the prompt as a text or as a list of one.
Result<std::string> promptFrom(const Json& value)
{
    const Json& text = value.is_array() && value.size() == 1 ? value[0] : value;
    if (!text.is_string())
        return fail(Code::BadInput, "\"prompt\" is not one text.");
    RATCHET_CHECK(checkText("prompt", text.get<std::string>()));
    return text.get<std::string>();
}

// As OpenAI's clients send them: nothing, a text or a list of at most four.
Result<std::vector<std::string>> stopsFrom(const Json& value)
{
    std::vector<std::string> stops;
    if (value.is_null())
        return stops;
    for (const Json& text : value.is_array() ? value : Json::array({value})) {
        if (!text.is_string() || text.get_ref<const std::string&>().empty())
            return fail(Code::BadInput, "\"stop\" is neither a text nor a list of texts that hold something.");
        RATCHET_CHECK(checkText("stop", text.get<std::string>()));
        stops.push_back(text.get<std::string>());
    }
    if (stops.size() > 4)
        return fail(Code::BadInput, fmt::format("\"stop\" holds {} texts; at most 4 are heeded.", stops.size()));
    return stops;
}

} // namespace

WebAnswer webError(int status, const std::string& code, const std::string& sentence)
{
    const char* type = status >= 500 ? "server_error" : "invalid_request_error";
    return {status, Json{{"error", Json{{"message", sentence}, {"type", type}, {"code", code}}}}, {}};
}

WebAnswer webError(const Error& error)
{
    const bool theirs = error.code == Code::BadInput || error.code == Code::Usage;
    const Failure failure = failureOf(error);
    return webError(theirs ? 400 : error.code == Code::NotFound ? 404 : 500, failure.code, failure.text);
}

bool equalInConstantTime(const std::string& left, const std::string& right)
{
    // Hashing first makes the compared lengths equal, so that not even the length of the secret shows in the time.
    const std::string a = hashOf(left).hex, b = hashOf(right).hex;
    unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
    return difference == 0;
}

std::optional<WebAnswer> refusal(const WebRequest& request, int port, const std::string& token)
{
    if (request.hosts.size() != 1 || !isOwnHost(request.hosts[0], port))
        return webError(403, "host", fmt::format("Only requests to 127.0.0.1:{} are answered.", port));
    for (const std::string& origin : request.origins)
        if (!isOwnOrigin(origin, port))
            return webError(403, "origin", "Pages of other sites may not ask here.");
    const auto* route = std::find_if(std::begin(routes), std::end(routes), [&](const Route& one) { return request.target == one.target; });
    const bool authorised = request.authorizations.size() == 1 && request.authorizations[0].starts_with("Bearer ")
                            && equalInConstantTime(request.authorizations[0].substr(7), token);
    if (!authorised && (route == std::end(routes) || !route->open)) {
        WebAnswer answer = webError(401, "token", "The token is missing or wrong: send \"Authorization: Bearer TOKEN\".");
        answer.headers["WWW-Authenticate"] = "Bearer";
        return answer;
    }
    if (route == std::end(routes))
        return webError(404, "path", "There is nothing at this path; try /healthz, /v1/models, /v1/completions or /v1/feedback.");
    if (request.method != route->method) {
        WebAnswer answer = webError(405, "method", fmt::format("{} takes {} only.", route->target, route->method));
        answer.headers["Allow"] = route->method;
        return answer;
    }
    if (request.method == "POST"
        && (request.contentTypes.size() != 1
            || lower(request.contentTypes[0].substr(0, request.contentTypes[0].find(';'))) != "application/json"))
        return webError(415, "content-type", "Send the request as application/json.");
    return {};
}

Result<CompletionRequest> completionRequest(const std::string& body)
{
    RATCHET_TRY(json, parseJson(body, "The request"));
    CompletionRequest request;
    Json prompt, stop;
    int answers = 1;
    std::string user;
    Fields in(json, "the request");
    in.readIf("model", request.model).read("prompt", prompt).readIf("max_tokens", request.maxTokens);
    in.readIf("temperature", request.temperature).readIf("stream", request.stream).readIf("seed", request.seed);
    in.readIf("n", answers).readIf("top_p", request.topP).readIf("top_k", request.topK).readIf("stop", stop);
    in.readIf("user", user).onlyKnown();
    if (request.maxTokens < 1 || request.maxTokens > 4096)
        in.fault("\"max_tokens\" is not between 1 and 4096");
    if (request.temperature < 0 || request.temperature > 2)
        in.fault("\"temperature\" is not between 0 and 2");
    if (answers != 1)
        in.fault("\"n\" can only be 1");
    if (request.topP <= 0 || request.topP > 1)
        in.fault("\"top_p\" is not above 0 and at most 1");
    if (request.topK < 0 || request.topK > 1'000'000)
        in.fault("\"top_k\" is not between 0, which is all, and 1000000");
    RATCHET_CHECK(in.status());
    RATCHET_TRY(text, promptFrom(prompt));
    request.prompt = std::move(text);
    RATCHET_TRY(stops, stopsFrom(stop));
    request.stop = std::move(stops);
    return request;
}

Result<FeedbackGiven> feedbackRequest(const std::string& body, const std::string& live)
{
    RATCHET_TRY(json, parseJson(body, "The request"));
    FeedbackGiven feedback;
    feedback.version = live;
    Fields in(json, "the request");
    in.readIf("version", feedback.version).read("prompt", feedback.prompt).read("completion", feedback.completion);
    in.readIf("correction", feedback.correction).readIf("rating", feedback.rating).onlyKnown();
    if (feedback.rating < -1 || feedback.rating > 1)
        in.fault("\"rating\" is not between -1 and 1");
    if (feedback.version.size() > 64 || feedback.version.find_first_not_of("0123456789abcdef") != std::string::npos)
        in.fault("\"version\" is not a version's hash");
    RATCHET_CHECK(in.status());
    RATCHET_CHECK(checkText("prompt", feedback.prompt));
    RATCHET_CHECK(checkText("completion", feedback.completion));
    RATCHET_CHECK(checkText("correction", feedback.correction));
    return feedback;
}

bool namesVersion(const std::string& model, const std::string& version)
{
    return model == "champion" || model == version || (model.size() >= 10 && version.starts_with(model));
}

} // namespace ratchet
