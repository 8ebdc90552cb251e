"""Rounded boxes on a time axis, drawn by one small shader: their vertices hold frames, so pan and zoom are two numbers."""

from __future__ import annotations

from typing import Any

_CORNERS = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 0.0), (1.0, 1.0), (0.0, 1.0))  # two triangles

_VERTEX = """
void main() {
  float left = (span.x - view.x) * view.y + 0.5 * box.w;
  float right = max((span.y - view.x) * view.y - 0.5 * box.w, left + 1.0);
  vec2 low = vec2(left, box.x), high = vec2(right, box.y);
  halfSize = 0.5 * (high - low);
  local = mix(-halfSize - 1.0, halfSize + 1.0, corner);
  marked = kind;
  gl_Position = vec4((0.5 * (low + high) + local) / view.zw * 2.0 - 1.0, 0.0, 1.0);
}
"""
_FRAGMENT = """
void main() {
  float r = min(box.z, min(halfSize.x, halfSize.y));
  vec2 q = abs(local) - halfSize + r;
  float away = length(max(q, vec2(0.0))) + min(max(q.x, q.y), 0.0) - r;
  vec4 inner = mix(plain, strike, marked);
  vec4 colour = mix(rim, inner, clamp(0.5 - away - rimWidth, 0.0, 1.0));
  fragColor = vec4(colour.rgb, colour.a * clamp(0.5 - away, 0.0, 1.0));
}
"""


def batch(shader: Any, spans: list[tuple[float, float]], kinds: list[float]) -> Any:
    """Boxes from their starts and ends in frames; kind 1 for a word with a stroke. Six vertices each."""
    from gpu_extras.batch import batch_for_shader

    return batch_for_shader(
        shader,
        "TRIS",
        {
            "span": [span for span in spans for _ in _CORNERS],
            "kind": [kind for kind in kinds for _ in _CORNERS],
            "corner": [corner for _ in spans for corner in _CORNERS],
        },
    )


def made_shader() -> Any:
    """Of rounded boxes: uniforms view (left frame, px a frame, region's size), box (low, high, radius, gap), colours, rimWidth."""
    import gpu

    between = gpu.types.GPUStageInterfaceInfo("declaim_words")
    between.smooth("VEC2", "local")
    between.smooth("VEC2", "halfSize")
    between.smooth("FLOAT", "marked")
    info = gpu.types.GPUShaderCreateInfo()
    for name in ("view", "box", "plain", "strike", "rim"):
        info.push_constant("VEC4", name)
    info.push_constant("FLOAT", "rimWidth")
    info.vertex_in(0, "VEC2", "span")  # frames
    info.vertex_in(1, "VEC2", "corner")
    info.vertex_in(2, "FLOAT", "kind")  # 1 for a word with a stroke
    info.vertex_out(between)
    info.fragment_out(0, "VEC4", "fragColor")
    info.vertex_source(_VERTEX)
    info.fragment_source(_FRAGMENT)
    return gpu.shader.create_from_info(info)
