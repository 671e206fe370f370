"""The model in PyTorch, and the update rules written out: what svi-lm must agree with.

Weights are dictionaries from PyTorch's parameter names to tensors. Formulas and sources: README.md.
"""

import math

import numpy as np
import torch
from torch import nn

import philox


class LanguageModel(nn.Module):
    """embedding -> LSTM or GRU x layers -> linear, or an adaptive softmax.

    Tied: the output weight is the embedding; where that has another width, a projection without bias before it.
    """

    def __init__(self, vocabulary, embedding, hidden, layers, tied=False, cutoffs=None, cell="lstm", span=None, dtype=torch.float64):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding, dtype=dtype)
        if cell == "gru":
            self.gru = nn.GRU(embedding, hidden, layers, dtype=dtype)
        else:
            self.lstm = nn.LSTM(embedding, hidden, layers, dtype=dtype)
        self.cell = cell
        self.span = span
        if span is not None:
            self.attention = nn.Linear(2 * hidden, hidden, bias=False, dtype=dtype)
        self.adaptive = cutoffs is not None
        if self.adaptive:
            self.output = nn.AdaptiveLogSoftmaxWithLoss(
                hidden, vocabulary, cutoffs, div_value=4, head_bias=True, dtype=dtype
            )
        else:
            width = embedding if tied else hidden
            self.projection = nn.Linear(hidden, width, bias=False, dtype=dtype) if width != hidden else None
            self.output = nn.Linear(width, vocabulary, dtype=dtype)
        if tied:
            self.output.weight = self.embedding.weight

    def attend(self, hidden, ranges):
        """tanh(W [c ; h]), c = softmax(h . k) k over the `span` states before each, or ranges [T,B] of them; else 0."""
        times = torch.arange(len(hidden))
        first, last = ranges if ranges else ((times - self.span).clamp(min=0)[:, None], times[:, None])
        seen = (times >= first[:, :, None]) & (times < last[:, :, None])  # [T,B or 1,S]
        scores = torch.einsum("tbh,sbh->tbs", hidden, hidden).masked_fill(~seen, -1e30)
        context = torch.einsum("tbs,sbh->tbh", scores.softmax(-1) * seen, hidden)
        return torch.tanh(self.attention(torch.cat([context, hidden], -1)))

    def forward(self, inputs, targets, state, ranges=None):
        """inputs, targets [T,B], state (h, c) each [L,B,H].

        Returns logits [T,B,V] (log-probabilities of an adaptive softmax), nll [T·B] and the state after the last step.
        """
        if self.cell == "gru":
            hidden, h = self.gru(self.embedding(inputs), state[0])
            state = h, h
        else:
            hidden, state = self.lstm(self.embedding(inputs), state)
        if self.span is not None:
            hidden = self.attend(hidden, ranges)
        if self.adaptive:
            logits = self.output.log_prob(hidden.flatten(0, 1)).view(*hidden.shape[:2], -1)
            return logits, -self.output(hidden.flatten(0, 1), targets.flatten()).output, state
        logits = self.output(self.projection(hidden) if self.projection else hidden)
        return logits, nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none"), state

    def evaluate(self, weights, inputs, targets, state, ranges=None):
        """At the given weights: logits, nll [T,B], loss = mean nll, gradients of the loss, detached state."""
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                parameter.copy_(weights[name])
        self.zero_grad(set_to_none=True)
        logits, nll, (h, c) = self(inputs, targets, state, ranges)
        loss = nll.mean()
        loss.backward()
        gradients = {name: parameter.grad.clone() for name, parameter in self.named_parameters()}
        return logits.detach(), nll.detach().view_as(targets), loss.item(), gradients, (h.detach(), c.detach())


def is_bias(name):
    return ".bias" in name


def layout(weights):
    """Offset of every segment in the flat block, each padded to a multiple of 16, and the block's length."""
    offsets, offset = {}, 0
    for name, weight in weights.items():
        offsets[name] = offset
        offset += (weight.numel() + 15) // 16 * 16
    return offsets, offset


def draw(weights, seed, step, particle):
    """Standard normal deviates of every weight, zero for biases. Also the flat block they were cut from."""
    offsets, length = layout(weights)
    flat = philox.normals(length, seed, step, stream=0, particle=particle)
    noise = {}
    for name, weight in weights.items():
        piece = flat[offsets[name] : offsets[name] + weight.numel()].reshape(tuple(weight.shape))
        noise[name] = torch.zeros_like(weight) if is_bias(name) else torch.tensor(piece, dtype=weight.dtype)
    return noise, flat


def norm(gradients):
    return math.sqrt(sum(float((g.double() ** 2).sum()) for g in gradients.values()))


def clip_scale(gradients, clip):
    return min(1.0, clip / norm(gradients))


def zeros(weights):
    return {name: torch.zeros_like(weight) for name, weight in weights.items()}


class Sgd:
    """u <- momentum u + c g; w <- w - lr u (PyTorch's momentum), c the clip scale."""

    def __init__(self, weights, lr, momentum, clip=math.inf):
        self.weights, self.lr, self.momentum, self.clip = weights, lr, momentum, clip
        self.u = zeros(weights)

    def step(self, evaluate):
        loss, g, state = evaluate(self.weights)
        c = clip_scale(g, self.clip)
        for name, w in self.weights.items():
            self.u[name] = self.momentum * self.u[name] + c * g[name]
            self.weights[name] = w - self.lr * self.u[name]
        return {"losses": loss, "gradientNorms": norm(g), "clipScales": c}, state

    def tensors(self):
        return {"parameters": self.weights, "momentum": self.u}


class AdamMoments:
    """The direction of Adam for one dictionary of parameters (Kingma and Ba 2015, PyTorch's form)."""

    def __init__(self, weights, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.beta1, self.beta2, self.epsilon, self.t = beta1, beta2, epsilon, 0
        self.first, self.second = zeros(weights), zeros(weights)

    def direction(self, g):
        self.t += 1
        out = {}
        for name in g:
            self.first[name] = self.beta1 * self.first[name] + (1 - self.beta1) * g[name]
            self.second[name] = self.beta2 * self.second[name] + (1 - self.beta2) * g[name] ** 2
            root = self.second[name].sqrt() / math.sqrt(1 - self.beta2**self.t) + self.epsilon
            out[name] = self.first[name] / (1 - self.beta1**self.t) / root
        return out


class Adam:
    def __init__(self, weights, lr, clip=math.inf):
        self.weights, self.lr, self.clip = weights, lr, clip
        self.moments = AdamMoments(weights)

    def step(self, evaluate):
        loss, g, state = evaluate(self.weights)
        c = clip_scale(g, self.clip)
        for name, d in self.moments.direction({name: c * g[name] for name in g}).items():
            self.weights[name] = self.weights[name] - self.lr * d
        return {"losses": loss, "gradientNorms": norm(g), "clipScales": c}, state

    def tensors(self):
        return {"parameters": self.weights, "firstMoment": self.moments.first, "secondMoment": self.moments.second}


class AdamW(Adam):
    """Decoupled weight decay (Loshchilov and Hutter 2019), PyTorch's form: the weights shrink before the step."""

    def __init__(self, weights, lr, weight_decay, clip=math.inf):
        super().__init__(weights, lr, clip)
        self.kept = 1 - lr * weight_decay

    def step(self, evaluate):
        loss, g, state = evaluate(self.weights)
        c = clip_scale(g, self.clip)
        for name, d in self.moments.direction({name: c * g[name] for name in g}).items():
            self.weights[name] = self.kept * self.weights[name] - self.lr * d
        return {"losses": loss, "gradientNorms": norm(g), "clipScales": c}, state


class GaussianPrior:
    """N(0, sd^2); closed-form KL."""

    def __init__(self, sd):
        self.sd = sd

    def kl(self, mu, sigma, theta):
        return (torch.log(self.sd / sigma) + (sigma**2 + mu**2) / (2 * self.sd**2) - 0.5).sum()

    def gradients(self, mu, sigma, theta, noise):
        """d kl / d mu and d kl / d sigma."""
        return mu / self.sd**2, sigma / self.sd**2 - 1 / sigma


class MixturePrior:
    """pi N(0, sd1^2) + (1 - pi) N(0, sd2^2) per weight; -ln p sampled at theta, the entropy exact."""

    def __init__(self, pi, sd1, sd2):
        self.pi, self.sd1, self.sd2 = pi, sd1, sd2

    def _parts(self, theta):
        log_normal = lambda sd: -0.5 * math.log(2 * math.pi) - math.log(sd) - theta**2 / (2 * sd**2)
        return math.log(self.pi) + log_normal(self.sd1), math.log1p(-self.pi) + log_normal(self.sd2)

    def kl(self, mu, sigma, theta):
        entropy = torch.log(sigma) + 0.5 * math.log(2 * math.pi * math.e)
        return (-entropy - torch.logaddexp(*self._parts(theta))).sum()

    def gradients(self, mu, sigma, theta, noise):
        first, second = self._parts(theta)
        r1, r2 = torch.sigmoid(first - second), torch.sigmoid(second - first)
        slope = theta * (r1 / self.sd1**2 + r2 / self.sd2**2)  # -d ln p / d theta
        return slope, slope * noise - 1 / sigma


class BayesByBackprop:
    """theta = mu + softplus(rho) eps; Adam on (mu, rho) of mean nll + KL / lambda. Biases: plain Adam."""

    def __init__(self, weights, rho, lr, lambda_, prior, seed):
        self.mu, self.rho, self.lr, self.lambda_, self.prior, self.seed = weights, rho, lr, lambda_, prior, seed
        self.moments, self.rho_moments, self.t = AdamMoments(weights), AdamMoments(rho), 0

    def step(self, evaluate):
        noise, _ = draw(self.mu, self.seed, self.t, particle=0)
        self.t += 1
        sigma = {name: nn.functional.softplus(rho) for name, rho in self.rho.items()}
        theta = {name: mu + sigma[name] * noise[name] if name in sigma else mu for name, mu in self.mu.items()}
        loss, g, state = evaluate(theta)
        g_mu, g_rho, kl = dict(g), {}, 0.0
        for name in self.rho:
            mu, s, eps = self.mu[name], sigma[name], noise[name]
            d_mu, d_sigma = self.prior.gradients(mu, s, theta[name], eps)
            g_mu[name] = g[name] + d_mu / self.lambda_
            g_rho[name] = (g[name] * eps + d_sigma / self.lambda_) * torch.sigmoid(self.rho[name])
            kl += float(self.prior.kl(mu, s, theta[name]))
            self._check(name, g[name], g_mu[name], g_rho[name], eps)
        for name, d in self.moments.direction(g_mu).items():
            self.mu[name] = self.mu[name] - self.lr * d
        for name, d in self.rho_moments.direction(g_rho).items():
            self.rho[name] = self.rho[name] - self.lr * d
        return {"losses": loss, "gradientNorms": norm(g), "kl": kl}, state

    def _check(self, name, g, g_mu, g_rho, eps):
        """The formulas against automatic differentiation of g theta + KL / lambda."""
        if g.dtype != torch.float64:
            return
        mu, rho = self.mu[name].clone().requires_grad_(), self.rho[name].clone().requires_grad_()
        sigma = nn.functional.softplus(rho)
        theta = mu + sigma * eps
        ((g * theta).sum() + self.prior.kl(mu, sigma, theta) / self.lambda_).backward()
        assert torch.allclose(mu.grad, g_mu, rtol=1e-9, atol=1e-12), name
        assert torch.allclose(rho.grad, g_rho, rtol=1e-9, atol=1e-12), name

    def tensors(self):
        return {"parameters": self.mu, "rho": self.rho}


class Ivon:
    """Natural-gradient mean field (Shen et al. 2024), with svi-lm's treatment of biases, clip and clamp."""

    def __init__(
        self, weights, h0, lr, lambda_, prior_sd, mean_h0, seed, beta1=0.9, beta2=0.99,
        clip=math.inf, deviation=None, particles=1, noise=True, tokens=None,
    ):
        self.noise, self.tokens = noise, tokens
        self.m, self.u = weights, zeros(weights)
        self.h = {name: torch.full_like(w, h0[name]) for name, w in weights.items()}
        self.lr, self.lambda_, self.delta, self.mean_h0 = lr, lambda_, 1 / (lambda_ * prior_sd**2), mean_h0
        self.beta1, self.beta2, self.clip, self.deviation = beta1, beta2, clip, deviation
        self.seed, self.particles, self.t = seed, particles, 0

    def step(self, evaluate):
        delta, r = self.delta, 1 - self.beta2
        g_mean, ng_mean, loss = zeros(self.m), zeros(self.m), 0.0
        for particle in range(self.particles):
            eps, _ = draw(self.m, self.seed, self.t, particle)
            size = float(self.noise)
            n = {name: size * eps[name] / torch.sqrt(self.lambda_ * (self.h[name] + delta)) for name in self.m}
            particle_loss, g, state = evaluate({name: self.m[name] + n[name] for name in self.m})
            loss += particle_loss / self.particles
            for name in self.m:
                g_mean[name] += g[name] / self.particles
                ng_mean[name] += n[name] * g[name] / self.particles
        self.t += 1
        c = clip_scale(g_mean, self.clip)
        aeff = self.lr * (self.mean_h0 + delta)
        clamped = 0
        for name, m in self.m.items():
            self.u[name] = self.beta1 * self.u[name] + (1 - self.beta1) * c * g_mean[name]
            h, decay = self.h[name], 0.0
            if not is_bias(name):
                hhat = self.lambda_ * (h + delta) * ng_mean[name] if self.noise else self.tokens * g_mean[name] ** 2
                if self.deviation is not None:
                    bound = 4 * self.deviation[name] * torch.sqrt(self.lambda_ * (h + delta))
                    clamped += int((hhat.abs() > bound).sum())
                    hhat = torch.minimum(torch.maximum(hhat, -bound), bound)
                h = self.beta2 * h + r * hhat + 0.5 * r**2 * (h - hhat) ** 2 / (h + delta)
                self.h[name], decay = h, delta
            direction = (self.u[name] / (1 - self.beta1**self.t) + decay * m) / (h + delta)
            self.m[name] = m - aeff * direction
        record = {"losses": loss, "gradientNorms": norm(g_mean), "clipScales": c}
        if self.deviation is not None:
            record["clampedElements"] = float(clamped)
        return record, state

    def tensors(self):
        return {"parameters": self.m, "hessian": self.h, "momentum": self.u}


def to_tensors(arrays, dtype):
    return {name: torch.tensor(np.asarray(array), dtype=dtype) for name, array in arrays.items()}
