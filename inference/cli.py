"""The command line. What is heavy is imported inside the commands, so that help comes at once."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="declaim",
    add_completion=False,
    help="Turn a voice-over into a character's full performance: body, hands, face and lips.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="The motion you make is yours. More in the README.",
)
body_app = typer.Typer(no_args_is_help=True, help="The built-in body, for other programs.")
app.add_typer(body_app, name="body")

Voice = Annotated[
    Path,
    typer.Argument(metavar="VOICE", help="The voice: wav, flac, ogg, mp3, m4a, or a film with sound.", show_default=False),
]
Script = Annotated[
    str | None,
    typer.Option(
        "--script", "-s", metavar="TEXT | FILE", help="What is said: a text file, or the text itself.", show_default=False
    ),
]
TranscriberId = Annotated[
    str, typer.Option("--transcriber", "-t", metavar="ID", help="What hears the words; see [bold]declaim plugins[/bold].")
]
Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "-p",
        "--param",
        metavar="KEY=VALUE",
        help="A plugin's parameter, as energy=0.8 or gesture.energy=0.8.",
        show_default=False,
    ),
]
Pronunciations = Annotated[
    Path | None,
    typer.Option(
        "--pronunciations",
        metavar="FILE",
        help="How names are said: a line each, as DECLAIM D IH K L EY M. "
        "Without it, pronunciations.txt beside the voice is used where there is one.",
        show_default=False,
    ),
]
Language = Annotated[str, typer.Option(metavar="CODE", help="The language that is spoken.")]
BodyFile = Annotated[
    Path | None,
    typer.Option(
        "--body",
        metavar="FILE",
        help="A SMPL-X body file of your own (.npz) in place of the built-in one.",
        show_default=False,
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", metavar="", help="Print errors only.")]
Json = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object for machines, and nothing else.")]


def _version(asked: bool) -> None:
    if asked:
        from .. import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def declaim(
    version: Annotated[
        bool, typer.Option("--version", metavar="", help="Print the version and leave.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    pass


@app.command(no_args_is_help=True)
def perform(
    voice: Voice,
    output: Annotated[
        list[Path],
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to write; the suffix picks the format: .npz .glb .fbx .bvh .usd .csv .mp4 .png",
            show_default=False,
        ),
    ],
    script: Script = None,
    generator: Annotated[
        list[str] | None,
        typer.Option(
            "--generator",
            "-g",
            metavar="ID | CHANNEL=ID",
            help="What moves the character, whole or by channel.",
            show_default=False,
        ),
    ] = None,
    transcriber: TranscriberId = "pocketsphinx",
    seed: Annotated[int, typer.Option(metavar="N", help="Another seed gives another take.", min=0)] = 0,
    fps: Annotated[float, typer.Option(metavar="RATE", help="Frames a second.")] = 30.0,
    body: BodyFile = None,
    shape: Annotated[
        str,
        typer.Option(
            metavar="NAME|NUMBERS",
            help="The character's shape: man, woman, or up to 10 numbers, as 1.5,0,-1: man to woman, height, weight, muscle, age, ...",
            show_default=False,
        ),
    ] = "",
    start_pose: Annotated[
        Path | None, typer.Option(metavar="CLIP", help="Begin in the last pose of this clip (.npz).", show_default=False)
    ] = None,
    end_pose: Annotated[
        Path | None, typer.Option(metavar="CLIP", help="End in the first pose of this clip (.npz).", show_default=False)
    ] = None,
    param: Parameters = None,
    pronunciations: Pronunciations = None,
    language: Language = "en",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Perform a voice-over, and write the animated character.

    declaim perform line.wav --script line.txt -o line.glb -o line.mp4
    """
    from .orders import Order
    from .performing import perform_files

    with _edge(quiet=quiet, as_json=as_json) as desk:
        order = Order(
            voice=voice,
            outputs=tuple(output),
            script=script,
            generators=tuple(generator or ()),
            transcriber=transcriber,
            seed=seed,
            fps=fps,
            body=body,
            shape=shape,
            start_pose=start_pose,
            end_pose=end_pose,
            parameters=tuple(param or ()),
            pronunciations=pronunciations,
            language=language,
        )
        desk.finish(perform_files(order, desk))


@app.command(no_args_is_help=True)
def transcribe(
    voice: Voice,
    script: Script = None,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to write: .json, .srt, .vtt or .TextGrid. Without it the words are printed.",
            show_default=False,
        ),
    ] = None,
    transcriber: TranscriberId = "pocketsphinx",
    param: Parameters = None,
    pronunciations: Pronunciations = None,
    language: Language = "en",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Hear the words and sounds of a voice, each with its time.

    declaim transcribe line.wav --script line.txt -o line.TextGrid
    """
    from .orders import Order
    from .performing import transcribe_files

    with _edge(quiet=quiet, as_json=as_json) as desk:
        order = Order(
            voice=voice,
            outputs=tuple(output or ()),
            script=script,
            transcriber=transcriber,
            parameters=tuple(param or ()),
            pronunciations=pronunciations,
            language=language,
        )
        desk.finish(transcribe_files(order, desk))


@app.command()
def plugins(
    action: Annotated[
        str | None, typer.Argument(metavar="check", help="check: try one plugin folder.", show_default=False)
    ] = None,
    path: Annotated[Path | None, typer.Argument(metavar="FOLDER", help="The plugin's folder.", show_default=False)] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """List the plugins, or check one: declaim plugins check PATH"""
    from . import plugin_desk

    with _edge(quiet=quiet, as_json=as_json) as desk:
        if action is None:
            desk.finish(plugin_desk.listing())
        else:
            desk.finish(plugin_desk.check(action, path))


@app.command()
def serve(
    port: Annotated[
        int, typer.Option(metavar="N", help="The port on this machine; 0 takes a free one.", min=0, max=65535)
    ] = 0,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the access token is kept; made where it is missing.", show_default=False),
    ] = None,
    until_stdin_closes: Annotated[
        bool,
        typer.Option(
            "--until-stdin-closes", metavar="", help="End when standard input closes: for a program that starts the engine."
        ),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Run the engine that Blender and other programs talk to. It listens on this machine only."""
    from . import server

    with _edge(quiet=quiet, as_json=False):
        server.serve(server.ServeOptions(port=port, token_file=token_file, watch_parent=until_stdin_closes))


@app.command(no_args_is_help=True)
def inspect(
    clip: Annotated[
        list[Path],
        typer.Argument(metavar="CLIP...", help="A clip (.npz), and other takes of the same line.", show_default=False),
    ],
    audio: Annotated[
        Path | None,
        typer.Option(
            "--audio",
            "--voice",
            metavar="VOICE",
            help="The voice it belongs to: adds how well the hands and the jaw meet it.",
            show_default=False,
        ),
    ] = None,
    script: Annotated[
        str | None,
        typer.Option(
            "--script",
            "-s",
            metavar="TEXT | FILE",
            help="What is said, for a clip that does not know its words.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE.html", help="Write a page to read and to keep.", show_default=False),
    ] = None,
    preview: Annotated[
        str | None,
        typer.Option(
            metavar="film|sheet|none",
            help="The page's pictures, made by Blender. By default a film of short clips, a sheet of 12 moments of long ones.",
            show_default=False,
        ),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(metavar="CLIP", help="Another performance of the line to compare with.", show_default=False),
    ] = None,
    seeds: Annotated[
        int, typer.Option(metavar="N", help="Perform the line with N - 1 more seeds and compare the takes.", min=1)
    ] = 1,
    body: BodyFile = None,
    strict: Annotated[bool, typer.Option("--strict", metavar="", help="Fail when there is something to look at.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Measure a clip: strokes, lips, feet, joints, pops, and where to look.

    declaim inspect line.npz --audio line.wav -o report.html
    """
    from .inspecting import InspectOrder, inspect_files

    with _edge(quiet=quiet, as_json=as_json) as desk:
        order = InspectOrder(
            clips=tuple(clip),
            audio=audio,
            script=script,
            output=output,
            preview=preview,
            reference=reference,
            seeds=seeds,
            body=body,
            strict=strict,
        )
        desk.finish(inspect_files(order, desk))


@body_app.command("export", no_args_is_help=True)
def body_export(
    output: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Where to write the SMPL-X .npz.", show_default=False),
    ],
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write the built-in body as a plain SMPL-X file, as other programs load it."""
    from .performing import export_body

    with _edge(quiet=quiet, as_json=as_json) as desk:
        desk.finish(export_body(output, desk))


def _edge(*, quiet: bool, as_json: bool) -> Any:
    from .desk import Desk

    return Desk(quiet=quiet, as_json=as_json)


def main() -> None:
    """The console script. Usage errors of the command line go through the same door as the others under ``--json``."""
    if "--json" not in sys.argv:
        app()
    try:
        code = app(standalone_mode=False)
    except typer.Exit as left:
        code = left.exit_code
    except typer.Abort:
        code = 130
    except Exception as error:
        # Typer carries a Click of its own in some versions, so its usage errors are known by what they can do.
        if not hasattr(error, "format_message"):
            raise
        print(json.dumps({"error": {"code": "usage", "message": error.format_message(), "hint": "See --help."}}))
        code = 2
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
