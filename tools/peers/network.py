"""The published network in plain PyTorch, for what trains or measures it beside ours."""

import torch
from torch import nn
from torch.nn.functional import leaky_relu

DEPTH, WIDTH = 20, 256
NUMBERS, FLAGS = 73, 12
FIXED = DEPTH * WIDTH + NUMBERS * 16 + FLAGS
HOURS, DAYS = 24, 31
EMBEDDED = 20
OUTPUTS = ["like", "retweet", "quote", "reply"]


class Joined(nn.Linear):
    """A linear layer of [fixed | embedded] in one matrix, as our weights files hold it."""

    def __init__(self, hidden):
        super().__init__(FIXED + 3 * EMBEDDED, hidden)

    @staticmethod
    def inputs(fixed, embedded):
        return torch.cat([fixed, embedded], dim=1)


class Split(nn.Module):
    """The same layer in two matrices, so that no gradient of the fixed numbers is computed."""

    def __init__(self, hidden):
        super().__init__()
        self.fixed, self.embedded = nn.Linear(FIXED, hidden), nn.Linear(3 * EMBEDDED, hidden, bias=False)
        bound = (FIXED + 3 * EMBEDDED) ** -0.5
        for values in self.parameters():
            nn.init.uniform_(values, -bound, bound)

    @staticmethod
    def inputs(fixed, embedded):
        return fixed, embedded

    def forward(self, inputs):
        fixed, embedded = inputs
        return self.fixed(fixed) + self.embedded(embedded)


class Network(nn.Module):
    """Logits `[records, 4]` of fixed numbers `[records, FIXED]` and ids of language, hour and day `[records, 3]`.

    `wide` is the kind of the two layers that take the whole input: `Joined` or `Split`.
    """

    def __init__(self, languages, hidden, wide=Joined):
        super().__init__()
        self.l1, self.projection = wide(hidden), wide(hidden)
        self.l2, self.l3, self.l4 = (nn.Linear(hidden, hidden) for _ in range(3))
        self.bn1, self.bn2, self.bn3, self.bn4 = (nn.BatchNorm1d(hidden) for _ in range(4))
        self.l_output = nn.Linear(hidden, len(OUTPUTS))
        nn.init.zeros_(self.l_output.bias)
        self.language, self.hour, self.day = (nn.Embedding(count, EMBEDDED) for count in (languages, HOURS, DAYS))
        for table in (self.language, self.hour, self.day):
            with torch.no_grad():
                table.weight.normal_().fmod_(2).mul_(0.01)

    def forward(self, fixed, ids):
        tables = (self.language, self.hour, self.day)
        embedded = torch.cat([table(ids[:, place]) for place, table in enumerate(tables)], dim=1)
        x = self.l1.inputs(fixed, embedded)
        p = self.projection(x)
        h1 = self.bn1(leaky_relu(self.l1(x)))
        h2 = self.bn2(leaky_relu(self.l2(h1) + p))
        h3 = self.bn3(leaky_relu(self.l3(h2) + p))
        return self.l_output(self.bn4(leaky_relu(self.l4(h3) + h1)))
