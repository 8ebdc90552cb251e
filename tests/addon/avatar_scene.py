"""Script text that the tests of the avatar begin with: the add-on's modules and an empty scene."""

SCENE = '''
import importlib, json, time
import numpy as np

def module(name):
    return importlib.import_module(f"{EXTENSION}.{name}")

avatar, shapes, character = module("addon.avatar"), module("addon.avatar_shapes"), module("addon.character")
bodies, rotations, skeleton = module("core.body"), module("core.rotations"), module("core.skeleton")
JOINTS, Z_UP = skeleton.JOINTS, module("exporters.blender_scene").Z_UP.axes
body = bodies.builtin_body()
bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
scene = bpy.context.scene


def parts_of(rig):
    return {child.name[len(rig.name) + 1 :]: child for child in rig.children}


def block_of(mesh, name):
    return mesh.data.shape_keys and mesh.data.shape_keys.key_blocks.get(name)


def seen(mesh):
    """(V, 3) of the evaluated mesh in the world."""
    evaluated = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get())
    points = np.empty(len(evaluated.data.vertices) * 3, np.float32)
    evaluated.data.vertices.foreach_get("co", points)
    matrix = np.array(evaluated.matrix_world)
    return points.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]


def pose(rig, poses):
    """Put ``poses`` (55, 3), axis-angle in the joints' own axes, on the bones."""
    turned = rotations.matrix_to_quaternion(Z_UP)
    for joint, name in enumerate(JOINTS):
        rest = rotations.matrix_to_quaternion(np.array(rig.data.bones[name].matrix_local)[:3, :3])
        into = rotations.multiply(rotations.conjugate(rest), turned)
        local = rotations.multiply(rotations.multiply(into, rotations.axis_angle_to_quaternion(poses[joint])), rotations.conjugate(into))
        rig.pose.bones[name].rotation_quaternion = local
    bpy.context.view_layer.update()


def off_from_body(rig, poses, betas, blendshapes=None):
    """m by which the rig's meshes stand off from the body's own in that pose and shape, once at the same height."""
    true = body.vertices(poses=poses[None], trans=np.zeros((1, 3)), betas=np.array(betas), blendshapes=blendshapes)[0] @ Z_UP.T
    true += np.array(rig.location)
    joints = body.rest_joints(np.array(betas)) @ Z_UP.T
    true += np.array(rig.data.bones["pelvis"].head_local) - joints[0]
    worst = 0.0
    for name, mesh in parts_of(rig).items():
        points = seen(mesh)
        nearest = true[vertices_of("skin" if name == "body" else name)]
        worst = max(worst, float(np.abs(points - nearest).max()))
    return worst


def vertices_of(name):
    wanted = module("exporters.character")._mesh_name
    rows = [np.arange(p.start, p.start + p.count) for p in body.parts if wanted(p.name) == name]
    return np.unique(body.triangles[np.concatenate(rows)])


def some_pose(seed=3, size=0.5):
    poses = np.random.default_rng(seed).uniform(-size, size, (55, 3))
    poses[list(skeleton.FACE_JOINTS)] = 0
    for name, turn in {"left_shoulder": (0, 0, -1.2), "left_elbow": (0, -1.6, 0), "right_hip": (-1.3, 0, 0), "left_wrist": (1.2, 0, 0)}.items():
        poses[JOINTS.index(name)] = turn
    return poses
'''
