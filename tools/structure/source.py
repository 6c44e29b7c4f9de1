"""Just enough reading of C++ for the rules: comments and strings out, scopes told apart."""

import re

TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"([^()\s\\]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.DOTALL)


def strip(text):
    """`text` without comments and without the insides of literals; lines keep their numbers.

    What an #include names in quotes stays."""

    def replace(match):
        found = match.group(0)
        if found.startswith("/"):
            return "\n" * found.count("\n") or " "
        line_start = text.rfind("\n", 0, match.start()) + 1
        if text[line_start:match.start()].lstrip().startswith("#"):
            return found
        return found[0] + "\n" * found.count("\n") + found[-1] if found[0] != "R" else (
            '""' + "\n" * found.count("\n"))

    return TOKEN.sub(replace, text)


INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)


def includes(code):
    """(line, path) of every #include "path"."""
    return [(code.count("\n", 0, m.start()) + 1, m.group(1)) for m in INCLUDE.finditer(code)]


NOT_A_VARIABLE = re.compile(
    r"^(?:using|typedef|namespace|template|static_assert|friend|concept|requires|return|delete"
    r"|goto|case|default|public|private|protected|export|import|asm|if|for|while|else|do|switch"
    r"|struct|class|union|enum|GREY_\w+|TEST\w*|BENCHMARK\w*)\b")
IMMUTABLE = re.compile(r"\b(?:const|constexpr|consteval|constinit\s+const)\b")


def _scope_kind(head):
    """What a `{` after `head` opens: namespace, class, function or value (an initialiser)."""
    head = head.strip()
    if re.search(r"\bnamespace\b[^;=()]*$", head) or head.endswith('extern "C"') or (
            head.endswith('extern ""')):
        return "namespace"
    if re.search(r"(?:^|[\s>])(?:class|struct|union|enum)\b[^;=()]*(?:\([^)]*\)[^;=()]*)?$", head):
        return "class"
    if head.endswith("=") or re.search(r"[\w>\])]$", head) and "(" not in head:
        return "value" if head and not head.endswith(("else", "do", "try")) else "function"
    return "function"


def _is_variable(statement, scope):
    """True if a statement in `scope` declares a variable that lives for ever and may change."""
    storage = re.match(r"(?:(?:static|inline|thread_local|constinit)\s+)+", statement)
    words = storage.group(0).split() if storage else []
    if scope == "class" and "static" not in words:
        return False
    if scope == "function" and not {"static", "thread_local"} & set(words):
        return False
    rest = statement[storage.end():] if storage else statement
    if rest.startswith("extern") or "operator" in rest or NOT_A_VARIABLE.match(rest):
        return False
    before_value = re.split(r"=|\{", rest, maxsplit=1)[0]
    if IMMUTABLE.search(before_value):
        return False
    if "(" in before_value and scope != "function":
        return False  # a function's declaration; only locals are built by constructor calls here
    return re.match(r"[\w:<>,\s*&\[\]]+[\s*&>]\w+\s*(?:\[[^\]]*\]\s*)*(?:$|=|\{|\()", rest) is not None


def mutable_globals(code):
    """(line, name) of variables at namespace scope, static members and static locals that are not
    const. A heuristic: it reads declarations as this project writes them."""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: "\n" * m.group(0).count("\n"), code,
                  flags=re.MULTILINE)
    found = []
    scopes = [("namespace", 0)]  # kind, and how many parentheses were open where it began
    start = parens = i = 0

    def look(end):
        statement = " ".join(code[start:end].split())
        statement = re.sub(r"^(?:(?:public|private|protected)\s*:\s*|\[\[[^\]]*\]\]\s*)+", "",
                           statement)
        if _is_variable(statement, scopes[-1][0]):
            head = re.split(r"=|\{|\[|\(", statement, maxsplit=1)[0].split()
            skip = len(code[start:end]) - len(code[start:end].lstrip())
            found.append((code.count("\n", 0, start + skip) + 1, head[-1].lstrip("*&")))

    while i < len(code):
        c = code[i]
        if c in "()":
            parens += 1 if c == "(" else -1
        elif c == "{":
            kind = "function" if parens > 0 else _scope_kind(code[start:i])
            if kind == "value":
                i = _matching_brace(code, i)
            else:
                scopes.append((kind, parens))
                parens = 0
                start = i + 1
        elif c == "}":
            if len(scopes) > 1:
                parens = scopes.pop()[1]
            start = i + 1
        elif c == ";" and parens == 0:
            look(i)
            start = i + 1
        i += 1
    return found


def _matching_brace(code, i):
    """The index of the `}` that closes the `{` at `i` (the end if none does)."""
    depth = 0
    while i < len(code):
        depth += {"{": 1, "}": -1}.get(code[i], 0)
        if depth == 0:
            return i
        i += 1
    return i
