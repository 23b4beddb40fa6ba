"""Generate the manual page that `git help credential-hf` shows, from the `--help` texts and the tables below.

The package build (hatch_build.py) generates it, in the format of man(7).
"""

import re
from collections.abc import Iterator

import click

from git_credential_hf import __version__
from git_credential_hf.hooks.verdict import CHECKS

NAME = "git-credential-hf"

OPERATIONS = {
    "get": "Print the current token for the Hub as `password`, with `username=git`; print nothing for other hosts. At "
    "a terminal, offer to log in if there is no token that works.",
    "store": "Store nothing; remove stale copies of Hub tokens from git's other helpers.",
    "erase": "Report where the refused token comes from, and why the Hub refused it. Renew a browser login, once. "
    "Never delete the login.",
    "capability": "Print the capabilities of this helper: `authtype` and `state`.",
}

ENVIRONMENT = {
    "HF_TOKEN, HUGGING_FACE_HUB_TOKEN": "A token; overrides the login.",
    "HF_TOKEN_PATH": "The file that holds the token, such as a mounted secret, instead of `$HF_HOME/token`.",
    "HF_HOME": "The directory that holds huggingface_hub's login. Default: `~/.cache/huggingface`.",
    "HF_OIDC_RESOURCE, HF_OIDC_ID_TOKEN": "Use a Trusted Publisher: the identity of the CI job is exchanged for a "
    "token that lasts an hour. Overrides all other tokens.",
    "HF_ENDPOINT": "The Hub that huggingface_hub uses. git logs in to it only after `configure --hub`; `check` and "
    "`status` then use it by default. An `HF_TOKEN` that does not begin with `hf_` is sent only to this Hub.",
    "GIT_CREDENTIAL_HF_HOOKS": "`off` disables the hooks.",
    "GIT_CREDENTIAL_HF_TRACE": "`1` traces to standard error, with secrets masked; an absolute path appends the trace "
    "to that file.",
    "HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE": "`1` turns on offline mode: no request is sent to the Hub.",
    "https_proxy, all_proxy, no_proxy": "The proxy, if `http.proxy` is not set, and the hosts to reach without one.",
    "GIT_SSL_CAINFO, SSL_CERT_FILE": "The file of trusted CA certificates. `http.sslCAInfo` overrides `SSL_CERT_FILE`.",
    "NETRC": "The netrc file, with libcurl 8.16 and newer.",
    "NO_COLOR": "If not empty, the output has no colors.",
}

FILES = {
    "~/.cache/huggingface/token": "The login of huggingface_hub. This program only reads it.",
    "$XDG_RUNTIME_DIR/git-credential-hf": "The hash of a refused token, for 30 seconds, and a record that you "
    "declined to log in, for 10 minutes. Removed by `unconfigure`.",
    "$RUNNER_TEMP/git-credential-hf": "The token of a GitHub Actions job, until it expires or the job ends.",
    "~/.local/state/git-credential-hf/backups": "Copies of the files that `doctor --fix` has changed.",
    "~/.cache/git-credential-hf": "The Hub's answers about access, for 10 minutes, and the hash of an unreachable Hub, "
    "for 5 minutes. No tokens. Removed by `unconfigure`.",
    "~/.config/git-credential-hf/gitconfig": "The settings that `configure` writes; `~/.gitconfig` includes this file. "
    "With `--local`, it is `git-credential-hf/gitconfig` in the git directory; with `--system`, it is beside git's "
    "system file. Removed by `unconfigure`.",
    "~/.config/git-credential-hf/hf-hooks": "The hooks of `hooks install --global`; `hooks.gitconfig` beside it sets "
    "`core.hooksPath`. The hooks of one repository are in its own hooks directory, or in `git-credential-hf/hf-hooks` "
    "in its git directory. Removed by `hooks uninstall`.",
}

SETTINGS = {
    "hf.login": "`ask` (the default) offers to log in when git needs a token; `never` does not. With "
    "`GIT_TERMINAL_PROMPT=0`, `credential.interactive=false`, `CI` or `HF_TOKEN`, there is no offer either.",
}

EXIT_STATUS = {
    "0": "Done; allowed; healthy; or a request for another host.",
    "1": "Refused; a problem was found; or the input was invalid.",
    "2": "Wrong usage.",
    "3": "The Hub did not answer (`check`).",
}

EXAMPLES = {
    "git config --global credential.helper hf": "The shortest setup. `git-credential-hf configure` also keeps other "
    "helpers from storing the token.",
    'eval "$(git-credential-hf configure --env)"': "For one job or one shell, without writing a file.",
    "git-credential-hf configure --hub https://hub.example.com": "Also log git in to another Hub.",
    "git-credential-hf doctor --fix": "Find out why the Hub answers 401, and fix it.",
    "git -c hf.largeFiles=warn push": "Push a large file that you know the Hub accepts.",
}


def manual_page(commands: click.Group) -> str:
    """Return the manual page for these commands."""
    sections = {
        "NAME": [f"{NAME} \\- {_inline(_first(commands))}"],
        "SYNOPSIS": _synopsis(commands),
        "DESCRIPTION": _paragraphs(commands.help or ""),
        "COMMANDS": _described(commands),
        "OPERATIONS": [".PP", "git runs these; see gitcredentials(7). Before the operation, `--token NAME` selects a "
                       "stored token, and `--hub ORIGIN` adds another Hub.",
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
    yield "The hooks read these keys. Each is set to `block`, `warn` or `off`."
    yield from _terms({f"hf.{key}": f"{about} (`{usual}` if not set)." for key, (usual, about) in CHECKS.items()})


def _each(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield each command with its full name; a group is replaced by its commands."""
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
        return text  # already formatted
    text = _dashes(text.replace("\\", "\\e"))
    text = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text)
    text = re.sub(r"\b([a-z-\\]+)\(([1-9])\)", r"\\fB\1\\fR(\2)", text)
    return "\\&" + text if text[:1] in (".", "'") else text


def _dashes(text: str) -> str:
    # man may print an unescaped `-` as a typographic hyphen, which does not work when pasted into a shell.
    return text.replace("-", "\\-")
