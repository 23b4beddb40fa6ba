"""The manual page, which `git help credential-hf` shows: the `--help` of every command, and the rest.

It is made when the package is built (hatch_build.py), in the format of man(7).
"""

import re
from collections.abc import Iterator

import click

from git_credential_hf import __version__
from git_credential_hf.hooks.verdict import CHECKS

NAME = "git-credential-hf"

OPERATIONS = {
    "get": "Print the current token for the Hub, as `password`, with `username=git`. Nothing for any other host. At a "
    "terminal, and without a token that works, offer to log in.",
    "store": "Store nothing, and remove stale copies of Hub tokens from git's other helpers.",
    "erase": "Report where a refused token comes from, and why it was refused; a browser login is renewed, once. Your "
    "login is not deleted.",
    "capability": "Print the capabilities of this helper: `authtype`.",
}

ENVIRONMENT = {
    "HF_TOKEN, HUGGING_FACE_HUB_TOKEN": "A token; overrides the login.",
    "HF_TOKEN_PATH": "The file with the token, such as a mounted secret, instead of `$HF_HOME/token`.",
    "HF_HOME": "The directory of huggingface_hub's login; `~/.cache/huggingface` if not set.",
    "HF_OIDC_RESOURCE, HF_OIDC_ID_TOKEN": "A Trusted Publisher: the identity of the CI job is exchanged for a token "
    "of an hour. Overrides all others.",
    "HF_ENDPOINT": "The Hub of huggingface_hub. git logs in to it only after `configure --hub`; then `check` and "
    "`status` ask it by default. An `HF_TOKEN` that does not begin with `hf_` is for this Hub alone.",
    "GIT_CREDENTIAL_HF_HOOKS": "`off`: the hooks do nothing.",
    "GIT_CREDENTIAL_HF_TRACE": "`1`: trace to the standard error, with secrets masked; an absolute path: append to "
    "that file.",
    "HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE": "`1`: nothing is asked of the Hub, and nothing is checked there.",
    "https_proxy, all_proxy, no_proxy": "The proxy, if `http.proxy` names none; where to use none.",
    "GIT_SSL_CAINFO, SSL_CERT_FILE": "The file of the authorities to trust; `http.sslCAInfo` comes before the latter.",
    "NETRC": "The netrc file that libcurl reads, from 8.16 on.",
    "NO_COLOR": "If not empty, `doctor` prints without colors.",
}

FILES = {
    "~/.cache/huggingface/token": "The login of huggingface_hub. This program only reads it.",
    "$XDG_RUNTIME_DIR/git-credential-hf": "The hash of a refused token, for half a minute, and that "
    "nobody wanted to log in, for ten. Removed by `unconfigure`.",
    "$RUNNER_TEMP/git-credential-hf": "The token of a job of GitHub Actions, until it expires or the job ends.",
    "~/.local/state/git-credential-hf/backups": "Copies of the files that `doctor --fix` has changed.",
    "~/.cache/git-credential-hf": "The Hub's answers about access, for ten minutes, and the hash of a Hub that cannot "
    "be reached, for five; no token. Removed by `unconfigure`.",
    "~/.config/git-credential-hf/gitconfig": "The settings that `configure` writes, and that `~/.gitconfig` includes. "
    "For one repository, `git-credential-hf/gitconfig` in its git directory; for all users, beside git's system file. "
    "Removed by `unconfigure`.",
    "~/.config/git-credential-hf/hf-hooks": "The hooks of `hooks install --global`; git finds them by "
    "`hooks.gitconfig` beside it. Those of one repository, unless they are among its own, are in "
    "`git-credential-hf/hf-hooks` in its git directory. Removed by `hooks uninstall`.",
}

SETTINGS = {
    "hf.login": "`never`: nobody is offered to log in when git asks; `ask` if not set. Nor is anybody with "
    "`GIT_TERMINAL_PROMPT=0`, `credential.interactive=false`, `CI` or `HF_TOKEN`.",
}

EXIT_STATUS = {
    "0": "Done; allowed; healthy; or a request for another host.",
    "1": "Refused; something is wrong; or the input was bad.",
    "2": "Wrong usage.",
    "3": "The Hub did not answer (`check`).",
}

EXAMPLES = {
    "git config --global credential.helper hf": "The shortest way. `git-credential-hf configure` also keeps other "
    "helpers out of it.",
    'eval "$(git-credential-hf configure --env)"': "For one job or one shell, without writing a file.",
    "git-credential-hf configure --hub https://hub.example.com": "Log git in to another Hub, too.",
    "git-credential-hf doctor --fix": "Find out why the Hub says 401, and fix it.",
    "git -c hf.largeFiles=warn push": "Push a file that the Hub is known to accept.",
}


def manual_page(commands: click.Group) -> str:
    """Return the manual page for these commands."""
    sections = {
        "NAME": [f"{NAME} \\- {_inline(_first(commands))}"],
        "SYNOPSIS": _synopsis(commands),
        "DESCRIPTION": _paragraphs(commands.help or ""),
        "COMMANDS": _described(commands),
        "OPERATIONS": [".PP", "git runs these, see gitcredentials(7). `--token NAME` before one of them selects a "
                       "stored token, `--hub ORIGIN` names another Hub to serve beside huggingface.co.",
                       *_terms(OPERATIONS)],
        "CONFIGURATION": _configuration(),
        "ENVIRONMENT": _terms(ENVIRONMENT),
        "FILES": _terms(FILES),
        "EXIT STATUS": _terms(EXIT_STATUS),
        "EXAMPLES": _terms({f"`{command}`": text for command, text in EXAMPLES.items()}),
        "SEE ALSO": [".BR gitcredentials (7),", ".BR githooks (5),", ".BR git\\-config (1),", ".BR git\\-lfs (1)"],
    }  # fmt: skip
    lines = [f'.TH {NAME.upper()} 1 "" "{NAME} {__version__}" "Git Manual"', ".nh", ".ad l"]
    for title, section in sections.items():
        lines += [f".SH {title}", *(line if line.startswith(".") else _inline(line) for line in section)]
    return "\n".join(lines) + "\n"


def _synopsis(commands: click.Group) -> Iterator[str]:
    options = "[\\fB\\-\\-token\\fR \\fINAME\\fR] [\\fB\\-\\-hub\\fR \\fIORIGIN\\fR]"
    yield f"\\fB{NAME}\\fR {options} " + "|".join(f"\\fB{name}\\fR" for name in OPERATIONS)
    for name, command in _each(commands):
        yield ".br"
        yield f"\\fB{NAME} {name}\\fR" + "".join(f" {piece}" for piece in _pieces(command))


def _described(commands: click.Group) -> Iterator[str]:
    for name, command in _each(commands):
        yield f".SS {name}"
        yield from _paragraphs(command.help or "")
        yield from _terms({
            ", ".join(f"`{option}`" for option in (*parameter.opts, *parameter.secondary_opts))
            + (f" {parameter.metavar}" if parameter.metavar else ""): parameter.help or ""
            for parameter in _options(command)
        })  # fmt: skip


def _configuration() -> Iterator[str]:
    yield ".PP"
    yield "The helper reads these keys of git-config(1):"
    yield from _terms(SETTINGS)
    yield ".PP"
    yield "The hooks read these. Each is `block`, `warn` or `off`."
    yield from _terms({f"hf.{key}": f"{about} (`{usual}` if not set)." for key, (usual, about) in CHECKS.items()})


def _each(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield each command with its full name, and instead of a group its commands."""
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from _each(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def _options(command: click.Command) -> list[click.Option]:
    return [parameter for parameter in command.params if isinstance(parameter, click.Option)]


def _pieces(command: click.Command) -> Iterator[str]:
    """Yield the options and arguments of a command, in the format of man(7)."""
    for option in _options(command):
        names = "|".join(f"\\fB{_dashes(name)}\\fR" for name in (*option.opts, *option.secondary_opts))
        yield f"[{names}" + (f" \\fI{option.metavar}\\fR]" if option.metavar else "]")
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            choices = getattr(parameter.type, "choices", None)
            shown = "|".join(choices) if choices else (parameter.name or "").upper()
            shown = f"\\fI{_dashes(shown)}\\fR" + ("..." if parameter.nargs == -1 else "")
            yield shown if parameter.required else f"[{shown}]"


def _first(command: click.Command) -> str:
    text = (command.help or "").partition("\n")[0].rstrip(".")
    return text[:1].lower() + text[1:]


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        yield ".PP"
        yield " ".join(paragraph.split())


def _terms(terms: dict[str, str]) -> Iterator[str]:
    for term, text in terms.items():
        yield ".TP"
        yield term if "`" in term else f"`{term}`"
        yield text


def _inline(text: str) -> str:
    """Format text for man(7): text in backquotes and names of manual pages are bold."""
    if "\\f" in text:
        return text  # it is formatted already
    text = _dashes(text.replace("\\", "\\e"))
    text = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text)
    text = re.sub(r"\b([a-z-\\]+)\(([1-9])\)", r"\\fB\1\\fR(\2)", text)
    return "\\&" + text if text[:1] in (".", "'") else text


def _dashes(text: str) -> str:
    # An unescaped one may be set as a hyphen, which cannot be pasted into a shell.
    return text.replace("-", "\\-")
