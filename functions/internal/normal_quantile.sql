-- The z of a share p of the standard normal distribution, 0 < p < 1. Rational approximation of P. J. Acklam ("An algorithm for computing the
-- inverse normal cumulative distribution function", 2003; relative error below 1.15e-9), then one step of Halley's method on the error
-- function of Postgres. Absolute error below 1e-11 for p from 1e-5 to 1 - 1e-5 (what the rounding of p itself makes).
create or replace function internal.normal_quantile(p double precision)
returns double precision
language plpgsql
immutable
strict
parallel safe
set search_path = ''
as $$
declare
    a constant double precision[] := '{-3.969683028665376e+01,2.209460984245205e+02,-2.759285104469687e+02,1.383577518672690e+02,-3.066479806614716e+01,2.506628277459239e+00}';
    b constant double precision[] := '{-5.447609879822406e+01,1.615858368580409e+02,-1.556989798598866e+02,6.680131188771972e+01,-1.328068155288572e+01}';
    c constant double precision[] := '{-7.784894002430293e-03,-3.223964580411365e-01,-2.400758277161838e+00,-2.549732539343734e+00,4.374664141464968e+00,2.938163982698783e+00}';
    d constant double precision[] := '{7.784695709041462e-03,3.224671290700398e-01,2.445134137142996e+00,3.754408661907416e+00}';
    -- Beyond this share of either tail the tails have an approximation of their own.
    v_tail constant double precision := 0.02425;
    q double precision;
    r double precision;
    x double precision;
begin
    if p between v_tail and 1 - v_tail then
        q := p - 0.5;
        r := q * q;
        x := (((((a[1] * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * r + a[6]) * q
            / (((((b[1] * r + b[2]) * r + b[3]) * r + b[4]) * r + b[5]) * r + 1);
    else
        q := sqrt(-2 * ln(least(p, 1 - p)));
        x := (((((c[1] * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) * q + c[6])
            / ((((d[1] * q + d[2]) * q + d[3]) * q + d[4]) * q + 1);
        x := case when p < 0.5 then x else -x end;
    end if;
    q := (0.5 * erfc(-x / sqrt(2::double precision)) - p) * sqrt(2 * pi()) * exp(x * x / 2);
    return x - q / (1 + x * q / 2);
end
$$;

comment on function internal.normal_quantile(double precision) is 'The z of a share of the standard normal distribution.';
