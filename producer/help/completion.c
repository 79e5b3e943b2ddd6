// SPDX-License-Identifier: Apache-2.0
/* tokfleet completion bash: verbs, flags, the choices of a flag and files, from the same rows as
 * --help. The script is one `case` a verb; it needs nothing but bash. */
#include <string.h>

#include "base/memory.h"
#include "producer/tool/verb.h"

static struct str first_word(const struct verb *verb)
{
    struct str rest = str_of(verb->name);
    struct str word;
    return str_cut(&rest, ' ', &word) ? word : rest;
}

// "file" where a file is wanted, the words of "[job|command]", else nothing
static void print_operands(struct out *out, const struct verb *verb)
{
    static const char words[] = "abcdefghijklmnopqrstuvwxyz-|[] ";
    const char       *text    = verb->operands;
    out_printf(out, "operands=\"");
    if (strstr(text, "FILE"))
        out_printf(out, "file");
    else if (strspn(text, words) == strlen(text))
        for (; *text; text++)
            if (*text != '[' && *text != ']')
                out_printf(out, "%c", *text == '|' ? ' ' : *text);
    out_printf(out, "\"\n");
}

// the first words, each once; then the second ones of each noun
static void print_words(struct out *out)
{
    out_printf(out, "    local verbs=\"");
    for (size_t i = 0; i < verb_count; i++)
        if (i == 0 || !str_eq(first_word(verbs[i]), first_word(verbs[i - 1])))
            out_printf(out, "%.*s ", STR_ARG(first_word(verbs[i])));
    out_printf(out, "help --help --settings --version\"\n    case $first in\n");
    for (size_t i = 0; i < verb_count; i++) {
        struct str noun  = first_word(verbs[i]);
        bool       first = i == 0 || !str_eq(noun, first_word(verbs[i - 1]));
        bool       last  = i + 1 == verb_count || !str_eq(noun, first_word(verbs[i + 1]));
        if (strlen(verbs[i]->name) == noun.len)
            continue;
        if (first)
            out_printf(out, "    %.*s) seconds=\"", STR_ARG(noun));
        out_printf(out, "%s%s", verbs[i]->name + noun.len + 1, last ? "\" ;;\n" : " ");
    }
    out_printf(out, "    esac\n");
}

static void print_flags(struct out *out, const struct verb *verb)
{
    out_printf(out, "    '%s')\n        flags=\"", verb->name);
    for (size_t i = 0; i < verb->flag_count; i++)
        out_printf(out, "--%s ", verb->flags[i].name);
    out_printf(out, "--verbose --help\" ");
    print_operands(out, verb);
    out_printf(out, "        case $before in\n");
    for (size_t i = 0; i < verb->flag_count; i++) {
        const struct flag *flag = &verb->flags[i];
        if (flag->kind == FLAG_YES)
            continue;
        out_printf(out, "        --%s) values=%s choices=\"", flag->name,
                   strcmp(flag->argument, "FILE") == 0 ? "file" : "any");
        for (const char *c = flag->choices ? flag->choices : ""; *c; c++)
            out_printf(out, "%c", *c == '|' ? ' ' : *c);
        out_printf(out, "\" ;;\n");
    }
    out_printf(out, "        esac ;;\n");
}

static int run_completion(struct tool *tool, const void *options, char *const *operands,
                          int operand_count)
{
    (void)options, (void)operands, (void)operand_count;
    struct out *out = &tool->out;
    out_printf(out,
               "# bash completion for tokfleet " TOKFLEET_VERSION ": tokfleet completion bash\n"
               "_tokfleet()\n{\n"
               "    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
               "    local first=${COMP_WORDS[1]} at=1 verb\n"
               "    local second='' seconds='' flags='' operands='' values='' choices=''\n"
               "    COMPREPLY=()\n"
               "    if [[ $first == help ]]; then at=2 first=${COMP_WORDS[2]}; fi\n");
    print_words(out);
    out_printf(out,
               "    if ((COMP_CWORD == at)); then\n"
               "        mapfile -t COMPREPLY < <(compgen -W \"$verbs\" -- \"$current\")\n"
               "        return\n"
               "    fi\n"
               "    verb=$first\n"
               "    if [[ $seconds ]]; then\n"
               "        if ((COMP_CWORD == at + 1)); then\n"
               "            mapfile -t COMPREPLY < <(compgen -W \"$seconds\" -- \"$current\")\n"
               "            return\n"
               "        fi\n"
               "        second=${COMP_WORDS[at+1]}\n"
               "        verb=\"$first $second\"\n"
               "    fi\n"
               "    [[ $at == 2 ]] && return\n"
               "    case $verb in\n");
    for (size_t i = 0; i < verb_count; i++)
        print_flags(out, verbs[i]);
    out_printf(out, "    *) return ;;\n"
                    "    esac\n"
                    "    if [[ $choices ]]; then\n"
                    "        mapfile -t COMPREPLY < <(compgen -W \"$choices\" -- \"$current\")\n"
                    "    elif [[ $values == file || ( ! $values && $operands == file && $current "
                    "!= -* ) ]]; then\n"
                    "        compopt -o filenames 2>/dev/null\n"
                    "        mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
                    "    elif [[ ! $values && $operands && $current != -* ]]; then\n"
                    "        mapfile -t COMPREPLY < <(compgen -W \"$operands\" -- \"$current\")\n"
                    "    elif [[ ! $values ]]; then\n"
                    "        mapfile -t COMPREPLY < <(compgen -W \"$flags\" -- \"$current\")\n"
                    "    fi\n"
                    "}\n"
                    "complete -F _tokfleet tokfleet\n");
    return END_WELL;
}

const struct verb verb_completion_bash = {
    .heading  = "the tool itself",
    .name     = "completion bash",
    .operands = "",
    .summary  = "print the completion for bash",
    .text     = "Prints a script that completes verbs, flags, their values and files. For this\n"
                "shell, or for every one:\n\n"
                "  source <(tokfleet completion bash)\n"
                "  tokfleet completion bash > ~/.local/share/bash-completion/completions/tokfleet",
    .bare     = true,
    .run      = run_completion,
};
