// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plugin/machine.h"

#include <utility>

namespace ratchet::program {
namespace {

constexpr std::size_t none = std::string_view::npos;

// Index of the bracket that belongs to the one at `at`; none when there is none.
std::size_t partnerOf(std::string_view program, std::size_t at)
{
    const bool forward = program[at] == '[';
    int depth = 0;
    for (std::size_t i = at; i < program.size(); forward ? ++i : --i) { // below 0 wraps round and ends it
        depth += program[i] == '[' ? 1 : program[i] == ']' ? -1 : 0;
        if (depth == 0)
            return i;
    }
    return none;
}

class Machine {
public:
    Machine(std::string_view program, const std::vector<Number>& input, const Limits& limits)
        : m_program(program), m_limits(limits)
    {
        m_stack.reserve(limits.depth + 1);
        for (const Number number : input)
            push(number);
    }
    [[nodiscard]] Outcome run();

private:
    void step(char instruction);
    void combine(char instruction);
    void jump(char instruction);
    void push(Number number);
    Number pop();
    void stop(Fault fault) { m_fault = m_fault == Fault::None ? fault : m_fault; } // the first one counts

    std::string_view m_program;
    Limits m_limits;
    std::vector<Number> m_stack;
    std::size_t m_at = 0;
    Fault m_fault = Fault::None;
};

Outcome Machine::run()
{
    Outcome outcome;
    while (m_fault == Fault::None && m_at < m_program.size()) {
        if (outcome.steps >= m_limits.steps) {
            stop(Fault::StepsSpent);
            break;
        }
        ++outcome.steps;
        step(m_program[m_at]);
        m_at += m_fault == Fault::None ? 1 : 0;
    }
    if (m_fault == Fault::None && m_stack.empty())
        stop(Fault::Underflow);
    outcome.fault = m_fault;
    outcome.at = m_at;
    outcome.output = m_fault == Fault::None ? m_stack.back() : 0;
    return outcome;
}

void Machine::step(char instruction)
{
    switch (instruction) {
    case 'n':
        push(pop() == 0 ? 1 : 0);
        break;
    case 'd': {
        const Number top = pop();
        push(top);
        push(top);
        break;
    }
    case 'x':
        pop();
        break;
    case '[':
    case ']':
        jump(instruction);
        break;
    default:
        if (instruction >= '0' && instruction <= '9')
            push(instruction - '0');
        else
            combine(instruction);
    }
}

// Instructions that take two numbers.
void Machine::combine(char instruction)
{
    const Number b = pop(), a = pop();
    if (m_fault != Fault::None)
        return;
    if ((instruction == '/' || instruction == '%') && b == 0)
        return stop(Fault::DivisionByZero);
    switch (instruction) {
    case '+':
        return push(a + b);
    case '-':
        return push(a - b);
    case '*':
        return push(a * b);
    case '/':
        return push(a / b);
    case '%':
        return push(a % b);
    case '<':
        return push(a < b ? 1 : 0);
    case 's':
        push(b);
        return push(a);
    case 'o':
        push(a);
        push(b);
        return push(a);
    default:
        return stop(Fault::Syntax);
    }
}

void Machine::jump(char instruction)
{
    if (m_stack.empty())
        return stop(Fault::Underflow);
    if ((m_stack.back() == 0) == (instruction == '['))
        m_at = partnerOf(m_program, m_at); // check() found that there is one
}

void Machine::push(Number number)
{
    if (number > m_limits.largest || number < -m_limits.largest)
        return stop(Fault::Overflow);
    if (m_stack.size() >= m_limits.depth)
        return stop(Fault::StackFull);
    m_stack.push_back(number);
}

Number Machine::pop()
{
    if (m_stack.empty()) {
        stop(Fault::Underflow);
        return 0;
    }
    const Number top = m_stack.back();
    m_stack.pop_back();
    return top;
}

} // namespace

Fault check(std::string_view program, const Limits& limits)
{
    if (program.size() > limits.length)
        return Fault::TooLong;
    if (program.find_first_not_of(instructions) != none)
        return Fault::Syntax;
    for (std::size_t i = 0; i < program.size(); ++i)
        if ((program[i] == '[' || program[i] == ']') && partnerOf(program, i) == none)
            return Fault::Syntax;
    return Fault::None;
}

Outcome run(std::string_view program, const std::vector<Number>& input, const Limits& limits)
{
    if (const Fault fault = check(program, limits); fault != Fault::None)
        return {fault, 0, 0, 0};
    return Machine(program, input, limits).run();
}

} // namespace ratchet::program
