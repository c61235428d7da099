/** The reports, as far as the page shows them. */

export interface CountAndUnits {
  readonly count: number;
  readonly units: number;
}

export interface CountedUnits {
  readonly quantity: number;
  readonly quantityAvailable: number;
  readonly quantityReserved: number;
  readonly quantityRented: number;
}

export interface Refused {
  readonly requests: number;
  readonly units: number;
}

export interface Figures {
  readonly utilisation: number | null;
  readonly turnover: number | null;
  readonly unitHours: CountedUnits;
  readonly averageLevels: CountedUnits;
  readonly outOfStockHours: number;
  readonly outOfStockShare: number | null;
  readonly rentals: {
    readonly begun: CountAndUnits;
    readonly returned: CountAndUnits;
    readonly cancelled: CountAndUnits;
  };
  readonly holds: {
    readonly made: CountAndUnits;
    readonly converted: CountAndUnits;
    readonly lost: CountAndUnits;
    readonly conversion: number | null;
  };
  readonly stock: {
    readonly restocks: CountAndUnits;
    readonly corrections: number;
    readonly foundUnits: number;
    readonly missingUnits: number;
    readonly repairs: number;
    readonly accuracy: number | null;
  };
}

export interface Summary extends Figures {
  readonly from: string;
  readonly to: string;
  readonly refused: {
    readonly outOfStock: Refused;
    readonly insufficientStock: Refused;
    readonly notAvailable: Refused;
  };
  readonly driftFound: number;
}

export interface ProductReport extends Figures {
  readonly productId: number;
  readonly sku: string;
  readonly name: string;
  readonly refused: Refused;
}

export interface Levels {
  readonly from: string;
  readonly to: string;
  readonly data: readonly (CountedUnits & { readonly at: string })[];
}

export interface Unusual {
  readonly data: readonly {
    readonly id: number;
    readonly productId: number;
    readonly sku: string;
    readonly kind: string;
    readonly change: number;
    readonly usual: number;
    readonly reason: string | null;
    readonly actor: string;
    readonly createdAt: string;
  }[];
}

export interface Kept {
  readonly id: string;
  readonly kind: 'low_stock' | 'reconciliation' | 'stock_review';
  readonly period: string;
  readonly title: string;
  readonly createdAt: string;
}
