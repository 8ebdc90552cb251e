// node three_eval.mjs FILE.glb OUT.f32 TIME...: what three.js makes of a GLB at the given seconds.
//
// Prints JSON: the animations, the bones and the skinned meshes with their triangles and morph target names. OUT.f32
// holds float32, for each time: every bone's world position, then every mesh's vertices with morphs and skinning.
import { readFile, writeFile } from "node:fs/promises";
import { AnimationMixer, LoopOnce, Matrix4, Vector3, Vector4 } from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";

const [file, out, ...times] = process.argv.slice(2);

// Node decodes no images, and geometry is all that is asked for: take materials and textures out of the JSON chunk.
function withoutMaterials(glb) {
  const length = glb.readUInt32LE(12);
  const json = JSON.parse(glb.subarray(20, 20 + length).toString("utf8"));
  for (const key of ["materials", "textures", "images", "samplers"]) delete json[key];
  for (const mesh of json.meshes ?? []) for (const primitive of mesh.primitives) delete primitive.material;
  let text = Buffer.from(JSON.stringify(json));
  text = Buffer.concat([text, Buffer.alloc((4 - (text.length % 4)) % 4, " ")]);
  const head = Buffer.from(glb.subarray(0, 20));
  const rest = glb.subarray(20 + length);
  head.writeUInt32LE(20 + text.length + rest.length, 8);
  head.writeUInt32LE(text.length, 12);
  const whole = Buffer.concat([head, text, rest]);
  return whole.buffer.slice(whole.byteOffset, whole.byteOffset + whole.length);
}

const glb = withoutMaterials(await readFile(file));
const gltf = await new Promise((resolve, reject) => new GLTFLoader().parse(glb, "", resolve, reject));
const meshes = [];
const bones = [];
gltf.scene.traverse((object) => {
  if (object.isSkinnedMesh) meshes.push(object);
  if (object.isBone) bones.push(object);
});

// three.js skins with the first four influences and scales them to one; the second four, where a file has them, are
// added here from the attributes that its loader keeps.
const point = new Vector3();
const part = new Vector3();
const matrix = new Matrix4();
const indices = new Vector4();
const weights = new Vector4();
function vertex(mesh, index, target) {
  mesh.getVertexPosition(index, target);
  const extra = mesh.geometry.getAttribute("weights_1");
  if (!extra) return;
  weights.fromBufferAttribute(extra, index);
  const sum = weights.x + weights.y + weights.z + weights.w;
  if (sum === 0) return;
  target.multiplyScalar(1 - sum);
  indices.fromBufferAttribute(mesh.geometry.getAttribute("joints_1"), index);
  Object.getPrototypeOf(Object.getPrototypeOf(mesh)).getVertexPosition.call(mesh, index, point); // morphs alone
  point.applyMatrix4(mesh.bindMatrix);
  part.set(0, 0, 0);
  for (let i = 0; i < 4; i++) {
    const bone = indices.getComponent(i);
    matrix.multiplyMatrices(mesh.skeleton.bones[bone].matrixWorld, mesh.skeleton.boneInverses[bone]);
    part.addScaledVector(point.clone().applyMatrix4(matrix), weights.getComponent(i));
  }
  target.add(part.applyMatrix4(mesh.bindMatrixInverse));
}

const mixer = new AnimationMixer(gltf.scene);
for (const clip of gltf.animations) {
  const action = mixer.clipAction(clip);
  action.setLoop(LoopOnce, 1);
  action.clampWhenFinished = true;
  action.play();
}
const values = [];
const position = new Vector3();
for (const time of times) {
  mixer.setTime(Number(time));
  gltf.scene.updateMatrixWorld(true);
  for (const bone of bones) values.push(...position.setFromMatrixPosition(bone.matrixWorld).toArray());
  for (const mesh of meshes) {
    mesh.skeleton.update();
    for (let index = 0; index < mesh.geometry.getAttribute("position").count; index++) {
      vertex(mesh, index, position);
      values.push(...position.applyMatrix4(mesh.matrixWorld).toArray());
    }
  }
}
await writeFile(out, new Uint8Array(new Float32Array(values).buffer));
const described = {
  animations: gltf.animations.map((clip) => ({ name: clip.name, duration: clip.duration, tracks: clip.tracks.length })),
  bones: bones.map((bone) => ({ name: bone.name, parent: bone.parent?.isBone ? bone.parent.name : null })),
  meshes: meshes.map((mesh) => ({
    name: mesh.name,
    vertices: mesh.geometry.getAttribute("position").count,
    triangles: Array.from(mesh.geometry.index.array),
    morphs: Object.keys(mesh.morphTargetDictionary ?? {}),
  })),
};
process.stdout.write(JSON.stringify(described));
